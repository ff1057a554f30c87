"""The namespaces that a mount lives in. A tmpfs is mounted in them: FUSE and rclone are tried in tests/pool."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.storage.namespace import Namespace, _is_fuse_on, has_mounted, within

pytestmark = pytest.mark.skipif(
    subprocess.run(within(["true"]), check=False, stderr=subprocess.DEVNULL).returncode != 0,
    reason="no user namespaces here",
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "a mount"
    made.mkdir()
    return made


@pytest.fixture
def mounter(place: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has mounted a file system with one file on the place."""
    script = 'mount -t tmpfs none "$1" && echo inside >"$1/file" && echo ready && exec sleep 600'
    child = subprocess.Popen(within(["sh", "-c", script, "sh", str(place)]), stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    yield child
    child.kill()
    child.wait(10)


def runs(process: Path) -> bool:
    try:
        return "\nState:\tZ" not in (process / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def output(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False).stdout


def test_what_is_mounted_in_there_is_seen_in_there_alone(mounter: subprocess.Popen[bytes], place: Path) -> None:
    namespace = Namespace(mounter.pid)
    assert output(namespace.entered(["cat", str(place / "file")])) == "inside\n"
    assert output(namespace.entered(["pwd"], place.parent)) == f"{place.parent}\n"
    assert namespace.look_at(place)
    assert not namespace.look_at(place / "absent")
    assert list(place.iterdir()) == []
    namespace.close()


def test_who_enters_is_the_same_user_without_any_capability(mounter: subprocess.Popen[bytes]) -> None:
    namespace = Namespace(mounter.pid)
    assert output(namespace.entered(["id", "-u"])) == output(["id", "-u"])
    status = output(namespace.entered(["cat", "/proc/self/status"]))
    if output(["id", "-u"]) != "0\n":  # the kernel gives root its capabilities back at each exec
        assert "CapEff:\t0000000000000000\n" in status
    assert "CapAmb:\t0000000000000000\n" in status
    namespace.close()


def test_they_can_be_entered_after_the_program_has_died(mounter: subprocess.Popen[bytes], place: Path) -> None:
    namespace = Namespace(mounter.pid)
    mounter.kill()
    mounter.wait(10)
    assert output(namespace.entered(["cat", str(place / "file")])) == "inside\n"
    namespace.close()


def test_the_program_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time; from worker.storage.namespace import within\n"
        "child = subprocess.Popen(within(['sh', '-c', 'echo up; exec sleep 600']), stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print(child.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert parent.stdout is not None
    child = Path("/proc") / parent.stdout.readline().decode().strip()
    assert child.exists()
    parent.kill()
    parent.wait(10)
    deadline = time.monotonic() + 10
    while runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_only_a_fuse_file_system_on_the_very_place_counts(mounter: subprocess.Popen[bytes], place: Path) -> None:
    assert not has_mounted(mounter.pid, place)
    assert not has_mounted(2**22 + 1, place)
    line = r"252 230 0:114 / /tmp/a\040mount rw,nosuid - {} prominence rw"
    assert _is_fuse_on(line.format("fuse.rclone").split(" "), "/tmp/a mount")
    assert not _is_fuse_on(line.format("fuse.rclone").split(" "), "/tmp/a")
    assert not _is_fuse_on(line.format("ext4").split(" "), "/tmp/a mount")
