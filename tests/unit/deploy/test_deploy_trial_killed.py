"""The start of an instance may be killed at any moment: what it started is either noted or gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.namespaces import Process, contained

pytestmark = pytest.mark.timeout(60)
ROOT = Path(__file__).parents[3]

# Killed as soon as the process exists, before anything else can be done.
_STARTER = """
import os, signal, subprocess, sys
from pathlib import Path
from deploy.namespaces import Process
popen = subprocess.Popen
def and_die(*words, **more):
    popen(*words, **more)
    os.kill(os.getpid(), signal.SIGKILL)
subprocess.Popen = and_die
Process(Path(sys.argv[1])).start(["sleep", "600"], Path(sys.argv[2]))
"""


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def python(script: str, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", script, *words], cwd=ROOT)


def test_a_process_whose_starter_was_killed_is_found_and_can_be_ended(tmp_path: Path) -> None:
    file = tmp_path / "node.pid"
    assert python(_STARTER, str(file), str(tmp_path / "log")).wait(30) == -signal.SIGKILL
    until(file.exists)
    pid = Process(file).pid()
    assert pid is not None
    until(lambda: Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x00600\x00")
    Process(file).stop(5)
    assert (
        not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    )


def test_a_command_that_cannot_be_run_is_no_process(tmp_path: Path) -> None:
    process = Process(tmp_path / "node.pid")
    process.start([str(tmp_path / "absent")], tmp_path / "log")
    until(lambda: process.pid() is None)
    assert "absent" in (tmp_path / "log").read_text()


@pytest.mark.skipif(os.getuid() != 0 and shutil.which("newuidmap") is None, reason="needs subordinate ids")
def test_what_a_killed_build_started_and_mounted_is_gone(tmp_path: Path) -> None:
    ready, mounted = tmp_path / "ready", tmp_path / "mounted"
    mounted.mkdir()
    inside = (
        f"mount -t tmpfs tmpfs {mounted} && touch {mounted}/deep && setsid sleep 600 & sleep 600 & touch {ready}; wait"
    )
    script = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    lock = os.open(tmp_path, os.O_RDONLY)
    starter = python(script, *contained(["sh", "-c", inside]))
    os.close(lock)
    until(ready.exists)
    tree = _below(starter.pid)
    assert len(tree) >= 3
    starter.kill()
    starter.wait()
    until(lambda: not any(_alive(pid) for pid in tree))
    assert list(mounted.iterdir()) == []
    assert str(mounted) not in Path("/proc/mounts").read_text()


def _below(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(deeper for child in children for deeper in _below(child))]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
