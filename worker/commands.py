"""Runs a command inside of the job's running container, for a limited time and with a limited output.

What the command started, and left behind when it ended or when its time was over, is found by a mark in its environment
and ended: a process that took the mark away lives as long as the task. Everything ends with the container at the latest.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, List, NamedTuple, Sequence

from worker import enter
from worker.container import HOME
from worker.processes import descendants, end_tree
from worker.running import Container
from worker.runtimes.program import Program

LARGEST_OUTPUT = 2**20
"""Bytes of each stream that are kept; a command that writes more is not stopped."""
MARK = "PROMINENCE_COMMAND"
"""Variable in a command's environment by which its processes are known."""
_ARCHIVE = str(Path(__file__).resolve().parents[1])
_GRACE = 0.5
_SWEEPS = 20
_KILLED = 128 + signal.SIGKILL
_CHUNK = 64 * 1024
_LONGEST_COMPLAINT = 4096
_TIME_OVER = "The command did not end within its time limit, and was ended."
_TASK_ENDED = "The job's task ended before the command did."
_PATIENCE = 5.0
"""Seconds for what is left in a pipe when all who could write to it were ended."""


class CommandError(Exception):
    """The command has no exit code: ``code`` says to programs why not, the message to people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Output(NamedTuple):
    """What a command wrote to one stream; ``cut`` where that was more than is kept."""

    data: bytes
    cut: bool


class Done(NamedTuple):
    """A command that ended: its exit code (128 + n for signal n) and output."""

    exit_code: int
    stdout: Output
    stderr: Output


def run(command: Sequence[str], container: Container, mark: str, seconds: float) -> Done:
    """Run ``command`` in ``container``, in the job's home directory, for ``seconds`` at most.

    ``mark`` is an unguessable word of its own. Raises CommandError: it could not be started, its time was over, or the task
    ended before it. OSError where this worker has no room for another process.
    """
    if container.again is not None:
        return _run_again(container.again(command), container, seconds)
    order = {
        "pid": container.main,
        "command": list(command),
        "directory": HOME,
        "variables": {**container.variables, "HOME": HOME, MARK: mark},
    }
    child, complaints = _start()
    with os.fdopen(complaints, "rb") as complaint:
        outputs = [_Reader(stream) for stream in (child.stdout, child.stderr) if stream is not None]
        over = not _ended(child, json.dumps(order).encode(), seconds)
        _sweep(container, mark)
        stdout, stderr = (output.finish() for output in outputs)
        why = complaint.read(_LONGEST_COMPLAINT).decode("utf-8", "replace")
    if why:
        raise CommandError("notStarted", f"The command {command[0]!r} could not be started: {why}.")
    if over:
        raise CommandError("timeOver", _TIME_OVER)
    if child.returncode == _KILLED and _goes_down(container):
        raise CommandError("taskEnded", _TASK_ENDED)
    code = child.returncode
    return Done(code if code >= 0 else 128 - code, stdout, stderr)


def _run_again(program: Program, container: Container, seconds: float) -> Done:
    """Run a further command in a container without namespaces, whose end therefore does not end the command by itself."""
    deadline = time.monotonic() + seconds
    pipe, none = subprocess.PIPE, subprocess.DEVNULL
    child = subprocess.Popen(
        program.argv, env=program.env, cwd=program.cwd, stdin=none, stdout=pipe, stderr=pipe, start_new_session=True
    )
    outputs = [_Reader(stream) for stream in (child.stdout, child.stderr) if stream is not None]
    while child.poll() is None:
        ended, over = not container.is_up(), time.monotonic() > deadline
        if ended or over:
            end_tree(child, _GRACE)
            raise CommandError("taskEnded", _TASK_ENDED) if ended else CommandError("timeOver", _TIME_OVER)
        time.sleep(0.05)
    stdout, stderr = (output.finish() for output in outputs)
    code = child.returncode
    return Done(code if code >= 0 else 128 - code, stdout, stderr)


def _start() -> "tuple[subprocess.Popen[bytes], int]":
    """The process that will enter the container, and a descriptor with its complaint, should it have one."""
    complaints, told = os.pipe()
    argv, env = enter.started_by(_ARCHIVE, told)
    pipe = subprocess.PIPE
    try:
        child = subprocess.Popen(
            argv, env=env, stdin=pipe, stdout=pipe, stderr=pipe, pass_fds=(told,), start_new_session=True
        )
    except OSError:
        os.close(complaints)
        raise
    finally:
        os.close(told)
    return child, complaints


def _ended(child: subprocess.Popen[bytes], order: bytes, seconds: float) -> bool:
    """Whether the process, given its order, ended within the time; if not it has been ended."""
    if child.stdin is not None:
        with suppress(BrokenPipeError), child.stdin as stdin:
            stdin.write(order)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        end_tree(child, _GRACE)
        return False
    return True


def _goes_down(container: Container) -> bool:
    """Whether the end of the container is why a command was killed: its first process is the last that the kernel takes."""
    deadline = time.monotonic() + _GRACE
    while container.is_up():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _sweep(container: Container, mark: str) -> None:
    """End all processes of the container that carry the mark, also those that were started meanwhile."""
    entry = f"{MARK}={mark}".encode()
    for _ in range(_SWEEPS):
        marked = [pid for pid in descendants(container.leader) if entry in _environ(pid)]
        if not marked:
            return
        for pid in marked:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)  # the kernel needs a moment to take them away


def _environ(pid: int) -> List[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []  # it ended meanwhile


class _Reader:
    """Reads a pipe to its end in a thread of its own, and keeps the beginning."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = bytearray()
        self._cut = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def finish(self) -> Output:
        """What was read; whoever still holds the other end is not waited for."""
        self._thread.join(_PATIENCE)
        return Output(bytes(self._kept), self._cut)

    def _read(self) -> None:
        with self._stream as stream:
            while data := os.read(stream.fileno(), _CHUNK):
                room = LARGEST_OUTPUT - len(self._kept)
                self._kept += data[:room]
                self._cut = self._cut or len(data) > room
