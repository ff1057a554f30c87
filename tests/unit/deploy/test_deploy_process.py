"""A process that outlives the command that started it: found again, told from a stranger with its id, and ended."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.namespaces import Process, user_namespace

pytestmark = pytest.mark.timeout(60)

SLEEP = ["sleep", "600"]
MARKED = f"{10_000_000 + os.getpid()}"
"""Seconds that only processes of this test sleep."""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path / "node.pid")
    yield made
    made.stop(0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "node.log"


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether there is such a process that has not ended (one that nobody has waited for yet has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_process_is_found_again_by_whoever_knows_its_file(process: Process, log: Path) -> None:
    assert process.pid() is None
    process.start(SLEEP, log)
    pid = Process(process.file).pid()
    assert pid is not None
    assert alive(pid)


def test_it_is_in_a_session_of_its_own_and_takes_no_input(process: Process, log: Path) -> None:
    process.start(SLEEP, log)
    pid = process.pid()
    assert pid is not None
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")


def test_its_output_is_appended_to_its_log(process: Process, log: Path) -> None:
    log.write_text("before\n")
    process.start(["sh", "-c", "echo out; echo err >&2"], log)
    until(lambda: log.read_text() == "before\nout\nerr\n")


def test_one_that_has_ended_does_not_run(process: Process, log: Path) -> None:
    process.start(["true"], log)
    until(lambda: process.pid() is None)


def test_a_recycled_id_does_not_pass_for_the_process(process: Process, log: Path) -> None:
    process.start(SLEEP, log)
    recorded = process.file.read_text()
    pid, started = recorded.split()
    process.file.write_text(f"{pid} {int(started) - 1}")  # of an earlier process that had this id
    assert process.pid() is None
    process.stop(1)
    assert alive(int(pid))
    process.file.write_text(recorded)


@pytest.mark.parametrize("content", ["", "123", f"{os.getpid()} None", "999999999 1", "1 2 3"])
def test_a_file_that_names_no_process_means_that_none_runs(process: Process, content: str) -> None:
    process.file.write_text(content)
    assert process.pid() is None
    process.stop(1)
    assert not process.file.exists()


def test_stopping_asks_first(process: Process, log: Path, tmp_path: Path) -> None:
    farewell = tmp_path / "farewell"
    program = (
        "import pathlib, signal, sys\n"
        f"signal.signal(signal.SIGTERM, lambda *_: sys.exit(pathlib.Path({str(farewell)!r}).write_text('bye')))\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    process.start([sys.executable, "-c", program], log)
    until(lambda: "ready" in log.read_text())
    pid = process.pid()
    assert pid is not None
    process.stop(20)
    assert not alive(pid)
    assert farewell.read_text() == "bye"
    assert not process.file.exists()


def test_one_that_does_not_listen_is_killed_when_patience_ends(process: Process, log: Path) -> None:
    process.start(["sh", "-c", "trap '' TERM; echo ready; sleep 600 & wait; sleep 600"], log)
    until(lambda: "ready" in log.read_text())
    pid = process.pid()
    assert pid is not None
    group = os.getpgid(pid)
    process.stop(0.1)
    assert not alive(pid)
    os.killpg(group, signal.SIGKILL)


def test_stopping_what_does_not_run_is_no_error(process: Process) -> None:
    process.stop(1)
    process.stop(1)


@pytest.mark.skipif(os.getuid() != 0 and shutil.which("newuidmap") is None, reason="needs subordinate ids")
def test_stopping_a_machine_of_namespaces_ends_everything_in_it(process: Process, log: Path, tmp_path: Path) -> None:
    inside = f"trap '' TERM; setsid sh -c 'exec sleep {MARKED}' & echo ready; wait"
    machine = ["unshare", *user_namespace(), "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside]
    process.start(machine, log)
    until(lambda: "ready" in log.read_text() and bool(sleepers()))
    process.stop(0.2)
    assert process.pid() is None
    until(lambda: not sleepers())


def sleepers() -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if file.read_bytes() == f"sleep\0{MARKED}\0".encode():
                found.append(file.parent.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
