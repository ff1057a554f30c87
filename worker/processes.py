"""Starts, measures and ends processes, and turns the order to stop (SIGTERM) into an exception.

Races thought of: an order to stop that arrives while a process is being started waits until the process is known, so
that it can be ended; a second order is without effect, so that the first can clean up; a process that left its
group is found by its parent.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Union

from worker.ended import Ended
from worker.errors import RuntimeUnavailableError

if TYPE_CHECKING:
    import resource

GRACE = 2.0
"""Seconds between asking a process tree to end and ending it."""

_BLOCK = 512
Descriptor = Union[int, None]
TERM, KILL = signal.SIGTERM, signal.SIGKILL


class Evicted(BaseException):
    """The executor was told to stop. Not an Exception: nothing but the very end of the executor handles it."""


class Eviction:
    """Whether the executor was told to stop, and the moments when it must not be interrupted."""

    def __init__(self) -> None:
        self.requested = False
        self.when = 0.0
        """When it was told, by the monotonic clock."""
        self._held = False

    def install(self) -> None:
        """Take SIGTERM from here on. Main thread only."""
        signal.signal(signal.SIGTERM, lambda _number, _frame: self.request())

    def request(self) -> None:
        """Raise Evicted, once; within ``hold`` not before its end."""
        if self.requested:
            return
        self.requested, self.when = True, time.monotonic()
        if not self._held:
            raise Evicted

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Put Evicted off until the end of the block."""
        self.check()
        self._held = True
        try:
            yield
        finally:
            self._held = False
        self.check()

    def settle(self) -> None:
        """From here on nothing is left to stop: the order has no effect any more. Raises Evicted if it came before."""
        self.check()
        self.requested = True

    def check(self) -> None:
        """Raise Evicted where it was requested."""
        if self.requested:
            raise Evicted


def run(
    argv: Sequence[str],
    env: Mapping[str, str],
    eviction: Eviction,
    stdout: Descriptor = None,
    stderr: Descriptor = None,
    cwd: Optional[Path] = None,
    started: Callable[[int], None] = lambda _pid: None,
    warn: Callable[[subprocess.Popen[bytes]], None] = lambda _child: None,
) -> Ended:
    """Run a program to its end, in a session of its own, with nothing to read; outputs are inherited unless given.

    ``started`` is told the program's process id. Whatever interrupts this ends the whole process tree, after it called
    ``warn``. Raises RuntimeUnavailableError where there is no such program.
    """
    child: Optional[subprocess.Popen[bytes]] = None
    try:
        with eviction.hold():
            child = start(argv, env, stdout, stderr, cwd)
        started(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if child is not None and child.returncode is None:
            try:
                warn(child)
            finally:
                end_tree(child)
    return ended(child.returncode, usage)


def ended(code: int, usage: resource.struct_rusage) -> Ended:
    """How a process tree ended, of its leader's exit code (-n for signal n) and what it and those it waited for used."""
    return Ended(
        code if code >= 0 else 128 - code,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss,
        usage.ru_inblock * _BLOCK,
        usage.ru_oublock * _BLOCK,
    )


def end_tree(child: subprocess.Popen[bytes], grace: float = GRACE) -> None:
    """End a process started by ``run`` and all of its descendants: SIGTERM, up to ``grace`` seconds, SIGKILL."""
    family = descendants(child.pid)
    signal_tree(child.pid, family, TERM)
    deadline = time.monotonic() + grace
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    family |= descendants(child.pid)
    signal_tree(child.pid, family, KILL)
    child.wait()


def descendants(pid: int) -> Set[int]:
    """All processes below ``pid`` at this moment, also those in other sessions."""
    children: Dict[int, List[int]] = {}
    for entry in Path("/proc").iterdir():
        parent = _parent(entry) if entry.name.isdigit() else None
        if parent is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found: Set[int] = set()
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        waiting += [one for one in below if one not in found]
        found.update(below)
    return found


def start(
    argv: Sequence[str], env: Mapping[str, str], stdout: Descriptor, stderr: Descriptor, cwd: Optional[Path]
) -> subprocess.Popen[bytes]:
    """Start a program as ``run`` does, without waiting for it. Raises RuntimeUnavailableError."""
    try:
        return subprocess.Popen(
            argv,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise RuntimeUnavailableError(f"{argv[0]}: {error.strerror}") from error


def _parent(entry: Path) -> Optional[int]:
    try:
        text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None  # it ended meanwhile
    return int(text.rpartition(")")[2].split()[1])


def signal_tree(leader: int, family: Set[int], number: int) -> None:
    """Send a signal to the group of a ``leader`` and to its ``family``; those that have ended are passed over."""
    _quietly(os.killpg, leader, number)  # the leader first: it has nothing to say about the end of its children
    for pid in family:
        signal_one(pid, number)


def signal_one(pid: int, number: int) -> None:
    """Send a signal to a process, if it has not ended."""
    _quietly(os.kill, pid, number)


def _quietly(send: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        send(pid, number)
    except (ProcessLookupError, PermissionError):
        return  # it ended meanwhile
