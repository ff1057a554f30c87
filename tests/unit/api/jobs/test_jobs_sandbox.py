"""A job's folder: private, held by one process at a time, and read without trust in what a job left there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.jobs.sandbox import Sandbox
from worker.checkpoints import fate

pytestmark = pytest.mark.timeout(60)

_HOLDER = """
import os, sys
from pathlib import Path
from api.jobs.sandbox import Sandbox

sandbox = Sandbox(Path(sys.argv[1]))
with sandbox.locked():
    print("holds", os.stat(sandbox.path).st_ino, flush=True)
    if sys.stdin.readline() == "discard\\n":
        sandbox.discard()
print("left", flush=True)
"""


class Holder:
    """Another process that wants the folder; it says so when it has it, and gives it back when told."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _HOLDER, str(sandbox.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def hears(self, word: str) -> str:
        """The rest of its next line, which begins with `word`."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith(word), line
        return line.removeprefix(word).strip()

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")

    def waits(self) -> bool:
        """Whether the kernel has it waiting for a lock."""
        return any(f" -> FLOCK  ADVISORY  WRITE {self.process.pid} " in line for line in _locks())


def _locks() -> list[str]:
    return Path("/proc/locks").read_text().splitlines()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path / "0123456789abcdef0123456789abcdef")


@pytest.fixture
def holder(sandbox: Sandbox) -> Iterator[Callable[[], Holder]]:
    started: list[Holder] = []

    def start() -> Holder:
        started.append(Holder(sandbox))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate(timeout=30)


def test_a_second_process_waits_until_the_first_gives_the_folder_back(holder: Callable[[], Holder]) -> None:
    first = holder()
    first.hears("holds")
    second = holder()
    until(second.waits)
    first.tell("go")
    first.hears("left")
    second.hears("holds")


def test_a_killed_process_gives_the_folder_back(holder: Callable[[], Holder]) -> None:
    first = holder()
    first.hears("holds")
    second = holder()
    until(second.waits)
    first.process.kill()
    second.hears("holds")


def test_whoever_waited_for_a_discarded_folder_holds_the_new_one(
    sandbox: Sandbox, holder: Callable[[], Holder]
) -> None:
    first = holder()
    first.hears("holds")
    second = holder()
    until(second.waits)
    first.tell("discard")
    first.hears("left")
    inode = int(second.hears("holds"))
    assert sandbox.path.stat().st_ino == inode
    third = holder()
    until(third.waits)
    second.tell("go")
    third.hears("holds")


def test_what_a_job_is_given_can_be_read_by_the_service_alone(sandbox: Sandbox) -> None:
    before = os.umask(0)
    try:
        sandbox.fill({"version": 1}, "t0ken")
        sandbox.remember_id(7)
        sandbox.remember_request("fingerprint")
    finally:
        os.umask(before)
    assert stat.S_IMODE(sandbox.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in sandbox.path.iterdir()} == {0o600}


def test_a_second_try_replaces_what_the_first_left(sandbox: Sandbox) -> None:
    sandbox.fill({"name": "a long document that the first try was about to submit"}, "first token, a long one")
    sandbox.fill({}, "second")
    assert json.loads((sandbox.path / "job.json").read_text()) == {}
    assert (sandbox.path / "token").read_text() == "second"


def test_the_id_and_the_request_are_remembered(sandbox: Sandbox) -> None:
    with sandbox.locked():
        assert (sandbox.job_id(), sandbox.request()) == (None, None)
        sandbox.remember_request("fingerprint")
        sandbox.remember_id(123)
    again = Sandbox(sandbox.path)
    assert (again.job_id(), again.request(), again.name) == (123, "fingerprint", sandbox.path.name)


def test_a_process_that_died_while_it_noted_the_id_noted_none(sandbox: Sandbox) -> None:
    sandbox.fill({}, "token")
    (sandbox.path / "id").touch()
    assert sandbox.job_id() is None


def test_discarding_what_is_not_there_is_no_error(sandbox: Sandbox) -> None:
    sandbox.discard()
    sandbox.fill({}, "token")
    sandbox.discard()
    sandbox.discard()
    assert not sandbox.path.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe{}", b"{}garbage", b"\0" * 100])
def test_a_report_that_cannot_be_read_is_no_report(sandbox: Sandbox, content: bytes) -> None:
    sandbox.fill({}, "token")
    (sandbox.path / "report.json").write_bytes(content)
    assert sandbox.report() is None


def test_a_report_is_read_and_an_oversize_one_is_not(sandbox: Sandbox) -> None:
    sandbox.fill({}, "token")
    assert sandbox.report() is None
    file = sandbox.path / "report.json"
    file.write_text(json.dumps({"state": "completed"}))
    assert sandbox.report() == {"state": "completed"}
    with file.open("r+b") as report:
        report.seek(0, os.SEEK_END)
        report.write(b" " * 17 * 2**20)
    assert sandbox.report() is None


def test_a_deletion_is_noted_where_the_executor_looks_for_it(sandbox: Sandbox) -> None:
    sandbox.note_deletion()
    sandbox.path.mkdir()
    for _ in range(2):
        sandbox.note_deletion()
    assert (sandbox.path / fate.DELETED_FILE).exists()
