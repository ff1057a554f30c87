"""The recorder is started again whatever ends it, and ends with whoever watches over it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.records import watched
from api.records.departed import Departed
from api.records.finished import FinishedJobs
from api.records.schema import open_database
from api.records.watched import Child, back_off
from tests.unit.api.records.finished_ads import finished_ad, leave

ROOT = Path(__file__).parents[4]


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.02)


@pytest.mark.parametrize(("ends", "seconds"), [(0, 0.5), (1, 1), (2, 2), (6, 32), (7, 60), (10**6, 60)])
def test_a_recorder_that_ends_again_and_again_is_started_ever_more_slowly(ends: int, seconds: float) -> None:
    assert back_off(ends) == seconds


def ended(child: Child, now: float) -> None:
    """Lets a child be looked at until it has been seen to end, all in one moment."""

    def over() -> bool:
        child.look(now)
        return child.process is None

    until(over)


def test_a_child_is_started_when_it_is_due_and_again_after_a_pause_that_grows() -> None:
    child = Child(["false"], back_off, due=100)
    child.look(99)
    assert child.process is None
    child.look(100)
    assert child.process is not None
    ended(child, 100.5)
    assert child.due == 101.5
    child.look(101.5)
    ended(child, 101.5)
    assert (child.quick_ends, child.due) == (2, 103.5)
    child.look(103.5)
    ended(child, 103.5 + watched.STEADY)
    assert (child.quick_ends, child.due) == (0, 104.0 + watched.STEADY)


def test_a_child_that_takes_too_long_is_killed() -> None:
    child = Child(["sleep", "1000"], back_off, limit=10)
    child.look(0)
    child.look(9)
    assert child.process is not None
    assert child.process.poll() is None
    ended(child, 11)


def test_a_child_that_does_not_end_when_it_is_asked_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    child = Child(["sh", "-c", "trap '' TERM; touch \"$0\"; while :; do sleep 0.1; done", str(ready)], back_off)
    child.look(0)
    process = child.process
    assert process is not None
    until(ready.exists)
    child.stop(0.5)
    assert process.returncode == -signal.SIGKILL


def test_a_child_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    program = tmp_path / "program"
    child = Child([str(program)], back_off)
    child.look(10)
    assert (child.process, child.due) == (None, 11)
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    child.look(11)
    assert child.process is not None
    child.stop(5)


class Watched:
    """The real program with a recorder over a folder and a database."""

    def __init__(self, departed: Departed, address: str, folder: Path) -> None:
        self.departed, self.finished = departed, FinishedJobs(open_database(address))
        values = {"database": address, "departed": str(departed.files.folder), "sandboxes": str(departed.sandboxes)}
        settings = folder / "records.toml"
        settings.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PROMINENCE_RECORDS": str(settings)}
        command = [sys.executable, "-W", "ignore", "-m", "api.records.watched"]
        self.process = subprocess.Popen(command, env=environ, start_new_session=True)

    def recorder(self) -> int | None:
        """Process id of the recorder that runs now."""
        file = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = file.read_text().split() if file.exists() else []
        return int(children[0]) if children else None

    def records(self) -> None:
        """Waits until a job that leaves the queue now is recorded."""
        ad = finished_ad()
        leave(self.departed.files.folder, ad)
        until(lambda: self.finished.by_id(ad["ClusterId"]) is not None)


@pytest.fixture
def program(departed: Departed, tmp_path: Path) -> Iterator[Watched]:
    address = f"sqlite:///{tmp_path}/records.sqlite"
    open_database(address).migrate()
    made = Watched(departed, address, tmp_path)
    yield made
    made.process.kill()
    made.process.wait(10)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def test_a_recorder_that_is_killed_records_again_without_anybodys_doing(program: Watched) -> None:
    program.records()
    first = program.recorder()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    program.records()
    assert program.recorder() not in (None, first)


def test_a_recorder_ends_with_a_killed_watcher(program: Watched) -> None:
    program.records()
    pid = program.recorder()
    assert pid is not None
    program.process.kill()
    until(lambda: gone(pid), 10)


def test_the_watcher_ends_when_it_is_told_so_and_its_recorder_with_it(program: Watched) -> None:
    program.records()
    pid = program.recorder()
    assert pid is not None
    program.process.terminate()
    assert program.process.wait(10) == 0
    assert gone(pid)
