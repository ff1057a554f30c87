"""What finished jobs left behind goes when its time is over; what may still be needed stays, whatever fails or is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import func, select

from api.jobs.index import Index
from api.jobs.sandbox import Sandbox
from api.records.departed import Departed
from api.records.expiry import Expiry
from api.records.finished import FinishedJobs
from api.records.leftovers import Leftovers
from api.records.projection import row
from api.records.retention import DAY, Ages
from api.records.schema import open_database
from api.records.series import Point, SeriesStore
from api.records.sweeping import BATCH, Sweeper
from api.records.tables import points, series, series_jobs
from api.workflows.plan import instance_name, workflow_name
from database.transactions import Database
from pool.errors import PoolUnavailable
from tests.unit.api.records.finished_ads import finished_ad, leave

AGES = Ages(job_folder_days=30, series_days=90, abandoned_days=1)


class Queue:
    """A queue and its history that know some submissions, or do not answer."""

    def __init__(self, known: Collection[str] = (), away: bool = False) -> None:
        self.known, self.away, self.asked = known, away, 0

    def submissions(self, names: Sequence[str]) -> set[str]:
        self.asked += 1
        if self.away:
            raise PoolUnavailable("it is away")
        return set(names) & set(self.known)


class World:
    """Folders, a database and an index; what is done to them."""

    def __init__(self, departed: Departed, database: Database, folder: Path) -> None:
        self.departed, self.database = departed, database
        self.finished, self.store = FinishedJobs(database), SeriesStore(database)
        self.index = Index.below(folder / "run")
        self.queue = Queue()

    def folder(self, days: float, queued: bool = True, name: str = "") -> str:
        """A submission's folder, filled and written to so many days ago."""
        sandbox = Sandbox(self.departed.sandboxes / (name or uuid.uuid4().hex))
        sandbox.fill({"version": 1}, "token")
        if queued:
            (sandbox.path / "events.log").write_text("000")
        self.touch(sandbox.name, days)
        return sandbox.name

    def touch(self, name: str, days: float) -> None:
        when = time.time() - days * DAY
        path = self.departed.sandboxes / name
        for one in (*path.iterdir(), path):
            os.utime(one, (when, when))

    def record(self, name: str, days: float) -> int:
        """Records a job of that submission, which ended so many days ago; its id."""
        ad = finished_ad(ProminenceSubmission=name, CompletionDate=int(time.time() - days * DAY))
        self.finished.add([row(ad, None)])
        self.index.note(ad["ClusterId"], ad)
        return int(ad["ClusterId"])

    def job(self, days: float) -> tuple[str, int]:
        """A job that ended so many days ago, with its folder."""
        name = self.folder(days)
        return name, self.record(name, days)

    def sweeper(self, ages: Ages = AGES, expiry: Expiry | None = None) -> Sweeper:
        leftovers, files = Leftovers(self.departed.sandboxes), self.departed.files
        expiry = expiry or Expiry(self.database)
        return Sweeper(expiry, leftovers, files, ages, self.queue, self.index, pause=0, settle=0)

    def left(self) -> set[str]:
        return {entry.name for entry in self.departed.sandboxes.iterdir()}


@pytest.fixture
def world(departed: Departed, database: Database, tmp_path: Path) -> World:
    return World(departed, database, tmp_path)


def test_the_folder_and_the_index_file_of_a_job_go_after_their_days(world: World) -> None:
    old, number = world.job(31)
    new, other = world.job(29)
    unknown = world.folder(1000)
    swept = world.sweeper().sweep(Event())
    assert (swept.folders, swept.abandoned) == (1, 0)
    assert world.left() == {new, unknown}
    assert world.index.facts(number) is None
    assert world.index.facts(other) is not None
    assert old not in world.left()


def test_more_than_a_batch_goes_in_one_pass(world: World) -> None:
    for _ in range(2 * BATCH + 1):
        world.job(40)
    assert world.sweeper().sweep(Event()).folders == 2 * BATCH + 1
    assert world.left() == set()


def test_with_0_days_everything_stays(world: World) -> None:
    world.job(3000)
    world.folder(3000, queued=False)
    before = world.left()
    world.sweeper(Ages(0, 0, 0)).sweep(Event())
    assert world.left() == before
    assert world.queue.asked == 0


def test_the_index_file_of_a_newer_queues_job_with_the_same_id_stays(world: World) -> None:
    _, number = world.job(31)
    world.index.note(number, finished_ad(ProminenceSubmission="f" * 32))
    world.sweeper().sweep(Event())
    assert (world.index.facts(number) or {})["ProminenceSubmission"] == "f" * 32


def test_a_folder_that_was_never_queued_goes_when_nobody_knows_it(world: World) -> None:
    nobodys, young = world.folder(2, queued=False), world.folder(0.5, queued=False)
    swept = world.sweeper().sweep(Event())
    assert (swept.abandoned, world.left()) == (1, {young})
    assert nobodys not in world.left()


def test_the_folders_of_instances_stay_as_long_as_that_of_their_workflow(world: World) -> None:
    family = workflow_name(uuid.uuid4().hex)
    ran, waiting = (world.folder(40, queued, instance_name(family, place)) for place, queued in ((0, True), (1, False)))
    world.record(ran, 40)
    world.folder(40, name=family)
    world.sweeper().sweep(Event())
    assert world.left() == {family, ran, waiting}, "the workflow has not ended"
    world.record(family, 31)
    world.sweeper().sweep(Event())
    world.sweeper().sweep(Event())
    assert world.left() == set()


def test_a_folder_that_the_queue_or_its_history_knows_stays(world: World) -> None:
    name = world.folder(2, queued=False)
    world.queue = Queue(known=[name])
    world.sweeper().sweep(Event())
    assert world.left() == {name}


def test_while_the_queue_does_not_answer_nothing_is_nobodys_but_finished_jobs_go(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    name = world.folder(2, queued=False)
    world.job(31)
    world.queue = Queue(away=True)
    swept = world.sweeper().sweep(Event())
    assert (swept.folders, swept.abandoned, world.left()) == (1, 0, {name})
    assert "it is away" in caplog.text


def test_while_jobs_wait_to_be_recorded_nothing_is_nobodys(world: World) -> None:
    name = world.folder(2, queued=False)
    file = leave(world.departed.files.folder, finished_ad())
    world.sweeper().sweep(Event())
    assert world.left() == {name}
    world.departed.files.remove([file])
    world.sweeper().sweep(Event())
    assert world.left() == set()


def test_a_job_that_is_recorded_while_the_queue_is_asked_keeps_its_folder(world: World) -> None:
    name = world.folder(2, queued=False)

    class Slow(Queue):
        def submissions(self, names: Sequence[str]) -> set[str]:
            world.record(name, 0)
            return set()

    world.queue = Slow()
    world.sweeper().sweep(Event())
    assert world.left() == {name}


def test_without_the_database_nothing_goes(world: World, tmp_path: Path) -> None:
    world.job(31)
    world.folder(2, queued=False)
    before = world.left()
    away = Expiry(open_database(f"sqlite:///{tmp_path}/nowhere/records.sqlite"))
    world.sweeper(expiry=away).sweep(Event())
    assert world.left() == before


def test_a_folder_in_use_stays_and_so_does_one_that_a_retry_used_meanwhile(world: World) -> None:
    held, used = world.folder(2, queued=False), world.folder(2, queued=False)

    class Slow(Queue):
        def submissions(self, names: Sequence[str]) -> set[str]:
            Sandbox(world.departed.sandboxes / used).fill({"version": 2}, "token")
            return set()

    world.queue = Slow()
    with Sandbox(world.departed.sandboxes / held).locked():
        world.sweeper().sweep(Event())
    assert world.left() == {held, used}


def test_a_folder_that_was_filled_again_under_the_same_name_stays(world: World) -> None:
    name, _ = world.job(31)
    world.touch(name, 3)
    world.sweeper().sweep(Event())
    assert world.left() == {name}


def test_nothing_else_among_the_folders_is_touched_and_no_link_is_followed(world: World, tmp_path: Path) -> None:
    sandboxes = world.departed.sandboxes
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    link = "e" * 32
    (sandboxes / link).symlink_to(outside)
    world.record(link, 100)
    (sandboxes / "notes").mkdir()
    world.record("notes", 100)
    name, _ = world.job(100)
    (sandboxes / name / "link").symlink_to(outside)
    world.sweeper().sweep(Event())
    assert world.left() == {link, "notes"}
    assert (outside / "kept").exists()


def test_a_worker_cannot_make_a_folder_too_deep_to_be_deleted(world: World) -> None:
    name, _ = world.job(31)
    here = os.open(world.departed.sandboxes / name, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    world.touch(name, 31)
    world.sweeper().sweep(Event())
    assert world.left() == set()


KILLED = """
import os, signal, sys
from pathlib import Path
from threading import Event
from api.jobs.index import Index
from api.records.schema import open_database
from database.transactions import Database
from api.records.expiry import Expiry
from api.records.leftovers import Leftovers
from api.records.retention import Ages
from api.records.sweeping import Sweeper
from pool.history_files import HistoryFiles

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

where, address, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
{"index": lambda: setattr(Index, "forget", die), "rename": lambda: setattr(Path, "rename", die),
 "delete": lambda: setattr(Leftovers, "delete", lambda self, names: die() if names else None)}[where]()
expiry, leftovers = Expiry(open_database(address)), Leftovers(folder / "sandboxes")
index = Index.below(folder / "run")
Sweeper(expiry, leftovers, HistoryFiles(folder / "departed"), Ages(30, 90, 1), None, index, pause=0).sweep(Event())
"""


@pytest.mark.parametrize(("where", "whole"), [("index", True), ("rename", True), ("delete", False)])
def test_a_sweeper_killed_anywhere_leaves_a_whole_folder_or_one_that_the_next_one_deletes(
    world: World, address: str, tmp_path: Path, where: str, whole: bool
) -> None:
    name, number = world.job(31)
    before = sorted(os.listdir(world.departed.sandboxes / name))  # noqa: PTH208 - names
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    command = [sys.executable, "-W", "ignore", "-c", KILLED, where, address, str(tmp_path)]
    assert subprocess.run(command, env=environ, timeout=60, check=False).returncode == -signal.SIGKILL
    if whole:
        assert sorted(os.listdir(world.departed.sandboxes / name)) == before  # noqa: PTH208 - names
    else:
        (rubbish,) = world.left()
        assert rubbish != name
    world.sweeper().sweep(Event())
    assert world.left() == set()
    assert world.index.facts(number) is None


def rows(database: Database) -> list[int]:
    with database.reading() as connection:
        tables = (points, series, series_jobs)
        return [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]


def test_the_series_of_a_job_go_after_their_days_in_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.records.expiry.STEP", 7)
    old, new, queued = (uuid.uuid4().hex for _ in range(3))
    for name in (old, new, queued):
        for number in range(10):
            world.store.write(name, Point("m", {"a": 1.0, "b": 2.0}, {}, float(number)))
    world.record(old, 91)
    world.record(new, 89)
    expiry = Expiry(world.database)
    assert not expiry.forget_series(old)
    assert rows(world.database)[0] == 60 - 7
    assert world.sweeper().sweep(Event()).series == 1
    assert rows(world.database) == [40, 4, 2]
    assert world.store.read(old, 0, 100) == []
    assert len(world.store.read(new, 0, 100)) == 2


def test_a_pass_that_is_told_to_end_ends_after_a_batch(world: World) -> None:
    for _ in range(BATCH + 1):
        world.job(31)
    stop = Event()
    stop.set()
    world.sweeper().sweep(stop)
    assert len(world.left()) == 1


def test_a_folder_that_cannot_be_deleted_is_said_and_left_to_the_next_pass(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, rm: Callable[[str], None]
) -> None:
    world.job(31)
    rm("exit 1")
    world.sweeper().sweep(Event())
    assert "cannot be deleted" in caplog.text
    assert len(world.left()) == 1
    monkeypatch.undo()
    world.sweeper().sweep(Event())
    assert world.left() == set()


@pytest.fixture
def rm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Puts another `rm` first in the way."""

    def instead(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "rm").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "rm").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return instead
