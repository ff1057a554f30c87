"""One command at a time on a folder, whatever happens to the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.locks import alone

pytestmark = pytest.mark.timeout(60)

_HOLDER = """
import sys
from pathlib import Path
from deploy.locks import alone
with alone(Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.read()
"""


def silent(_: str) -> None:
    """For waits whose news nobody needs."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "folder"


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the folder until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_folder_that_nobody_holds_is_had_at_once_and_without_a_word(folder: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        with alone(folder, said.append):
            assert folder.is_dir()
    assert said == []


def test_who_comes_second_is_told_once_and_waits(folder: Path, holder: subprocess.Popen[str]) -> None:
    said: list[str] = []

    def tell(text: str) -> None:
        said.append(text)
        assert holder.stdin is not None
        holder.stdin.close()

    with alone(folder, tell):
        assert holder.wait(30) == 0
    assert said == [f"waiting for another command that works in {folder}"]


def test_who_is_killed_lets_go(folder: Path, holder: subprocess.Popen[str]) -> None:
    with alone(folder, lambda _: os.kill(holder.pid, signal.SIGKILL)):
        assert holder.wait(30) == -signal.SIGKILL


def test_patience_ends_with_a_sentence(folder: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(DeployError, match=r"Another command still works in .*folder"), alone(folder, silent, 0):
        pass


def test_a_folder_that_its_holder_deletes_is_made_and_locked_anew(folder: Path, holder: subprocess.Popen[str]) -> None:
    """A lock on the deleted folder would exclude nobody who comes later."""

    def delete(_: str) -> None:
        folder.rmdir()
        assert holder.stdin is not None
        holder.stdin.close()

    with alone(folder, delete) as descriptor:
        assert os.path.samestat(os.fstat(descriptor), folder.stat())


def test_a_child_that_is_given_the_lock_holds_it_too(folder: Path) -> None:
    with alone(folder, silent) as lock:
        child = subprocess.Popen(["sleep", "600"], pass_fds=[lock])
    try:
        with pytest.raises(DeployError), alone(folder, silent, 0):
            pass
    finally:
        child.kill()
        child.wait()
    with alone(folder, silent, 0):
        pass


@pytest.mark.parametrize("place", ["/proc/nowhere", "file", "file/below"])
def test_a_folder_that_cannot_be_made_is_named(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = pytest.raises(DeployError, match=rf"The folder .*{place} cannot be used \(.*PROMINENCE_HOME")
    with refused, alone(tmp_path / place, silent):
        pass
