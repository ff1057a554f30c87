"""Checkpoints of a job against the service's own routes and store: saved whole, brought back, and never in the job's way."""

from __future__ import annotations

import os
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.unit.api.objects.serving import Server, gunicorn, job_token, make_keys
from worker.checkpoints import saving
from worker.checkpoints.errors import CheckpointNotRestoredError
from worker.checkpoints.record import Record
from worker.checkpoints.saving import Around, Saving
from worker.job import Checkpoint
from worker.processes import Evicted, Eviction
from worker.progress import Progress
from worker.scratch import Scratch
from worker.staging.upload import Service

from .staging_support import site

pytestmark = pytest.mark.timeout(120)
LARGEST = 200_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("checkpoints")
    keys = make_keys(folder / "keys")
    storage = {"kind": "local", "root": str(folder / "root"), "signing_secret": str(keys / "signing-secret")}
    with gunicorn(folder, keys, {**storage, "largest_object": LARGEST}) as made:
        yield made


class Run:
    """One run of a job on a worker of its own, whose home is `home`."""

    def __init__(self, folder: Path, url: str, token: str, interval: float = 3600.0, vacate: float = 300.0) -> None:
        folder.mkdir()
        self.scratch = Scratch(folder)
        self.scratch.create()
        self.home = self.scratch.home
        self.eviction = Eviction()
        self.record = Record()
        self.told = threading.Event()
        self.log: list[str] = []
        self.again = True
        around = Around(
            self.scratch,
            Service(url, token),
            self.eviction,
            Progress(time.time),
            self.log.append,
            time.time,
            lambda: self.again,
            self.told.set,
        )
        self.saving = Saving(Checkpoint(("state/*", "model"), interval, vacate), around, self.record, 2**30)

    def wrote(self, name: str, content: str) -> None:
        """A task put a file in place."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name("new").write_text(content)
        path.with_name("new").replace(path)

    def moved(self, work: Callable[[], None] = lambda: None) -> None:
        """The job does some work and is then told to stop."""
        with suppress(Evicted), self.saving:
            work()
            self.eviction.request()
        assert self.eviction.requested

    def found(self) -> dict[str, str]:
        """The files below the home, and what is in them."""
        return {
            path.relative_to(self.home).as_posix(): path.read_text() for path in self.home.rglob("*") if path.is_file()
        }


class Runs:
    """The runs of one job, one after the other."""

    def __init__(self, server: Server, folder: Path, job: str) -> None:
        self._server, self._folder, self._token = server, folder, job_token(server.keys, job)
        self.count = 0

    def next(self, **more: float) -> Run:
        self.count += 1
        return Run(self._folder / str(self.count), self._server.url, self._token, **more)


@pytest.fixture
def runs(server: Server, tmp_path: Path) -> Runs:
    return Runs(server, tmp_path, tmp_path.name)


def test_what_a_job_had_when_it_was_moved_is_there_when_it_starts_again(runs: Runs) -> None:
    first = runs.next()

    def work() -> None:
        first.wrote("state/count", "41")
        first.wrote("model/deep/weights", "w")
        first.wrote("other", "not named")
        (first.home / "state/count").chmod(0o750)

    first.moved(work)
    assert (first.record.restored, first.record.saved, first.record.warning) == (None, 1, "")
    second = runs.next()
    with second.saving:
        assert second.found() == {"state/count": "41", "model/deep/weights": "w"}
        assert (second.home / "state/count").stat().st_mode & 0o777 == 0o750
    assert second.record.restored is not None
    assert second.record.saved == 0
    assert list(second.scratch.tools.iterdir()) == []


def test_the_newest_checkpoint_alone_is_kept(runs: Runs, server: Server) -> None:
    for content in ("1", "2", "3"):
        run = runs.next()
        run.moved(lambda run=run, content=content: run.wrote("state/count", content))  # type: ignore[misc]
    last = runs.next()
    with last.saving:
        assert last.found()["state/count"] == "3"


def test_a_checkpoint_is_saved_now_and_then_when_something_changed(runs: Runs) -> None:
    run = runs.next(interval=0.1)
    with run.saving:
        run.wrote("state/count", "1")
        assert run.told.wait(20)
        run.told.clear()
        assert not run.told.wait(0.5), "the same files were saved again"
        run.wrote("state/count", "2")
        assert run.told.wait(20)
    assert (run.record.saved, run.record.warning) == (2, "")
    assert run.record.document()["lastSaved"] == run.record.last_saved
    with runs.next().saving as _:
        pass


def test_a_run_that_did_nothing_new_saves_nothing(runs: Runs) -> None:
    first = runs.next()
    first.moved(lambda: first.wrote("state/count", "1"))
    second = runs.next()
    second.moved()
    assert second.record.saved == 0
    third = runs.next()
    with third.saving:
        assert third.found() == {"state/count": "1"}


def test_a_job_that_is_deleted_and_one_that_ends_save_nothing_more(runs: Runs) -> None:
    deleted = runs.next()
    deleted.again = False
    deleted.moved(lambda: deleted.wrote("state/count", "1"))
    assert deleted.saving.grace() == 0
    ended = runs.next()
    with ended.saving:
        ended.wrote("state/count", "1")
    assert (deleted.record.saved, ended.record.saved, ended.record.restored) == (0, 0, None)


def test_a_checkpoint_that_the_store_refuses_is_a_warning_and_the_one_before_stays(runs: Runs) -> None:
    first = runs.next()
    first.moved(lambda: first.wrote("state/count", "good"))
    second = runs.next()

    def grow() -> None:
        (second.home / "state/noise").write_bytes(os.urandom(LARGEST + 1))

    second.moved(grow)
    assert second.record.saved == 0
    assert second.record.warning.startswith("The last checkpoint was not saved: the service refused it (status 413)")
    third = runs.next()
    with third.saving:
        assert third.found() == {"state/count": "good"}


def test_a_save_that_is_cut_off_leaves_the_checkpoint_before_it(runs: Runs) -> None:
    first = runs.next()
    first.moved(lambda: first.wrote("state/count", "good"))
    second = runs.next(vacate=saving.MARGIN)  # no time is left

    def grow() -> None:
        (second.home / "state/noise").write_bytes(os.urandom(LARGEST // 2))

    second.moved(grow)
    assert "had to leave its worker before it was stored" in second.record.warning
    third = runs.next()
    with third.saving:
        assert third.found() == {"state/count": "good"}


def test_a_service_that_refuses_costs_a_warning_when_saving(tmp_path: Path) -> None:
    with site() as away:
        away.answer = lambda request: request.refuse(404, b'{"code": "noCheckpoint", "error": "none"}')
        run = Run(tmp_path / "run", away.url, "T", interval=0.1)
        with run.saving:
            away.answer = lambda request: request.refuse(403, b'{"error": "Not today."}')
            run.wrote("state/count", "1")
            assert run.told.wait(20)
        assert run.record.saved == 0
        assert run.record.warning == (
            "The last checkpoint was not saved: the service refused it (status 403): Not today."
        )
        assert all(token == "Bearer T" for token in away.asked("Authorization"))


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b"<html>no such address</html>", "status 404"),
        (401, b'{"error": "The token has expired.", "code": "token_expired"}', "The token has expired"),
    ],
)
def test_a_job_does_not_begin_anew_where_its_checkpoint_cannot_be_had(
    tmp_path: Path, status: int, body: bytes, said: str
) -> None:
    with site() as broken:
        broken.answer = lambda request: request.refuse(status, body)
        run = Run(tmp_path / "run", broken.url, "T")
        with pytest.raises(CheckpointNotRestoredError, match=said), run.saving:
            pytest.fail("the tasks were started")


def test_a_checkpoint_that_is_damaged_or_unsafe_is_not_restored(runs: Runs, tmp_path: Path) -> None:
    first = runs.next()
    first.moved(lambda: first.wrote("state/count", "1"))
    evil = tmp_path / "evil.tgz"
    with tarfile.open(evil, "w:gz") as tar:
        entry = tarfile.TarInfo("../outside")
        tar.addfile(entry)
    server, token = runs._server, runs._token
    for content in (b"no archive", evil.read_bytes()):
        link = server.call("POST", "/checkpoint", token=token, json={"size": len(content)}).json()["url"]
        assert server.session.put(link, data=content, timeout=20).status_code == 200
        run = runs.next()
        with pytest.raises(CheckpointNotRestoredError), run.saving:
            pytest.fail("the tasks were started")
        assert not (run.scratch.root / "outside").exists()


def test_a_file_that_never_rests_is_a_warning_and_the_next_save_is_tried_again(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "READ_PAUSE", 0.01)
    run = runs.next(interval=0.1)
    restless = threading.Event()

    def write() -> None:
        with (run.home / "model").open("r+b", buffering=0) as file:
            while not restless.is_set():
                file.seek(0)
                file.write(os.urandom(100))

    (run.home / "model").write_bytes(bytes(20_000_000))
    writer = threading.Thread(target=write)
    writer.start()
    with run.saving:
        try:
            assert run.told.wait(60)
            assert "'model' changed each time while it was read" in run.record.warning
        finally:
            restless.set()
            writer.join()
        run.told.clear()
        assert run.told.wait(20)
        assert (run.record.saved, run.record.warning) == (1, "")
