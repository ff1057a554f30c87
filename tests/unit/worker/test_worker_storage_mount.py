"""The end of a mount: when all is stored, when it is not, and when its program is no more. The program is `sleep`."""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.worker.storage_support import onedata, webdav
from worker.errors import WorkerError
from worker.processes import Evicted, Eviction
from worker.runtimes.program import Program
from worker.scratch import Scratch
from worker.storage.documents import Storage
from worker.storage.errors import StorageLostError, StorageNotWrittenError
from worker.storage.mount import EVICTED, Around, Mount, _settle_after
from worker.storage.namespace import Namespace
from worker.storage.programs import Place

Make = Callable[..., Mount]


@pytest.fixture
def place(scratch: Scratch) -> Place:
    made = Place.of(scratch)
    made.create()
    made.log.touch()
    return made


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    made = subprocess.Popen(["sleep", "600"])
    yield made
    made.kill()
    made.wait(10)


@pytest.fixture
def mount(place: Place, child: subprocess.Popen[bytes]) -> Iterator[Make]:
    """Makes a mount whose clock takes steps of 20 s."""
    namespace = Namespace(child.pid)
    steps = itertools.count(0, 20)

    def make(storage: Storage | None = None, eviction: Eviction | None = None) -> Mount:
        def clock() -> float:
            return float(next(steps))

        around = Around(storage or webdav(), place, eviction or Eviction(), lambda _text: None, clock)
        return Mount(around, child, namespace)

    yield make
    namespace.close()


def written(place: Place, name: str) -> Path:
    """What rclone notes of a file that is not stored."""
    file = place.cache / "vfsMeta/storage{x}" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"Dirty": True}))
    return file


def test_a_mount_with_nothing_to_store_is_ended_at_once(mount: Make, child: subprocess.Popen[bytes]) -> None:
    there = mount()
    there.check()
    there.settle()
    assert child.returncode == -15
    there.settle()
    there.check()


def test_a_program_that_ended_is_a_lost_mount_with_its_last_words(
    mount: Make, child: subprocess.Popen[bytes], place: Place
) -> None:
    place.log.write_text(json.dumps({"level": "error", "msg": "no more memory", "object": ""}) + "\n")
    child.kill()
    child.wait(10)
    there = mount()
    for end in (there.check, there.settle):
        with pytest.raises(StorageLostError) as raised:
            end()
        assert "was ended by signal 9, having said: no more memory" in raised.value.message


def test_a_server_that_went_away_is_named_with_the_files_that_it_has_not(mount: Make, place: Place) -> None:
    written(place, "d/a")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        there = mount(webdav(f"http://127.0.0.1:{held.getsockname()[1]}/"))
        with pytest.raises(StorageNotWrittenError) as raised:
            there.settle()
    assert raised.value.files == ("d/a",)
    assert "the server is out of reach (Connection refused)" in raised.value.message
    there.settle()  # it is not waited for again


def test_what_is_not_stored_is_said_beside_what_failed_before(mount: Make, place: Place) -> None:
    written(place, "a")
    error = WorkerError("It failed.")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        _settle_after(mount(webdav(f"http://127.0.0.1:{held.getsockname()[1]}/")), error)
    assert error.message.startswith("It failed. 1 of the files that the job wrote ('a') could not be stored")


def test_an_order_to_stop_ends_the_wait(mount: Make, place: Place) -> None:
    written(place, "a")
    eviction = Eviction()
    eviction.requested = True
    with pytest.raises(Evicted):
        mount(eviction=eviction).settle()


def test_an_evicted_job_waits_no_longer_than_said(place: Place, child: subprocess.Popen[bytes]) -> None:
    written(place, "a")
    said: list[str] = []
    namespace = Namespace(child.pid)
    times = iter([0.0, EVICTED / 2, EVICTED + 1])
    Mount(Around(webdav(), place, Eviction(), said.append, lambda: next(times)), child, namespace).hurry()
    namespace.close()
    assert said == ["storage: 1 file(s) were not stored"]


def test_a_onedata_program_that_does_not_end_is_a_failure(place: Place) -> None:
    deaf = subprocess.Popen(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"], stdout=subprocess.PIPE)
    assert deaf.stdout is not None
    assert deaf.stdout.readline() == b"up\n"
    namespace = Namespace(deaf.pid)
    begun = time.monotonic()
    steps = itertools.count(0, 50)
    try:
        around = Around(onedata(), place, Eviction(), lambda _text: None, lambda: float(next(steps)))
        with pytest.raises(StorageNotWrittenError, match="did not end within 60 s"):
            Mount(around, deaf, namespace).settle()
    finally:
        deaf.kill()
        deaf.wait(10)
        namespace.close()
    assert time.monotonic() - begun < 30


def test_programs_of_tasks_are_started_where_the_mount_is_and_so_are_further_commands(
    mount: Make, place: Place
) -> None:
    there = mount()
    program = Program(["proot", "a"], {"A": "b"}, Path("/w"), lambda words: Program(["proot", *words], {"C": "d"}), 2)
    inside = there.inside(program)
    assert inside.argv[0] == "nsenter"
    assert inside.argv[-4:] == ["--wdns=/w", "--", "proot", "a"]
    assert (inside.env, inside.cwd, inside.above) == ({"A": "b"}, None, 2)
    assert inside.again is not None
    again = inside.again(["x"])
    assert (again.argv[0], again.argv[-2:], again.env) == ("nsenter", ["proot", "x"], {"C": "d"})
    assert there.inside(Program(["apptainer"], {})).again is None
    assert there.binds == [(place.mount, "/data")]
