"""Watches how much memory a job's containers use, notes the most, and ends the task when that is more than the job may use.

HTCondor limits memory by control groups where a worker's kernel lets it. Elsewhere nothing would: this is for there, and for
the report. It is a sample, so a task that asks for very much very fast may be seen late.

Processes share memory. What all of them have resident is quickly read and at least as much as they use, so it is enough
until it reaches the limit or a new height; only then each one's share is read, for which the kernel has to walk through it.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Callable, Iterable, Iterator, List, Set

from worker import processes
from worker.ended import Ended
from worker.errors import MemoryExceededError
from worker.images import Image
from worker.job import Task
from worker.machine import Machine
from worker.report import Report
from worker.running import Running
from worker.sidecars import Sidecars
from worker.tasks import Launch

INTERVAL = 0.5
"""Seconds between two looks."""
_NEW_HEIGHT = 1.05
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class Watch:
    """Watches while it is used as a block. ``roots`` gives the processes at the top of the job's containers, ``limit_kb`` is
    the most that these and all below them may use, 0 for any; ``note`` is told what they use when that is a new height."""

    def __init__(
        self,
        limit_kb: int,
        roots: Callable[[], Iterable[int]],
        note: Callable[[int], None],
        interval: float = INTERVAL,
    ) -> None:
        self._limit_kb = limit_kb
        self._roots = roots
        self._note = note
        self._interval = interval
        self._highest_kb = 0
        self._exceeded_kb = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def guarding(self, launch: Launch) -> Launch:
        """The same, but what it raises when the task was ended for its memory is MemoryExceededError."""

        def launched(task: Task, image: Image) -> Ended:
            ended = None if self._exceeded_kb else launch(task, image)
            if ended is None or self._exceeded_kb:
                raise MemoryExceededError(self._exceeded_kb, self._limit_kb, ended)
            return ended

        return launched

    def look(self) -> None:
        """Look once."""
        family = tree(self._roots())
        resident = sum(map(resident_kb, family))
        over = 0 < self._limit_kb < resident
        if not over and resident <= self._highest_kb * _NEW_HEIGHT:
            return
        self._highest_kb = max(self._highest_kb, resident)
        used = sum(map(share_kb, family))
        self._note(used)
        if over and used > self._limit_kb:
            self._exceeded_kb = used
            end_trees(family)

    def _follow(self) -> None:
        while not self._over.wait(self._interval) and not self._exceeded_kb:
            self.look()


def watching(here: Machine, running: Running, beside: Sidecars, report: Report) -> Watch:
    """Watches the containers of a job that may use as much memory as it has on the machine ``here``."""
    return Watch(int(here.memory * 2**20), lambda: [*running.leaders(), *beside.leaders()], report.note_memory)


def tree(roots: Iterable[int]) -> Set[int]:
    """These processes and all that are below them at this moment."""
    found: Set[int] = set()
    waiting: List[int] = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += _children(pid)
    return found


def _children(pid: int) -> Iterator[int]:
    """The processes that a process has started: each of its threads has a list of its own."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return  # it ended meanwhile
    for thread in threads:
        yield from map(int, _text(thread / "children").split())


def resident_kb(pid: int) -> int:
    """What a process has resident, in KB, memory that it shares with others included; 0 for one that has ended."""
    words = _text(Path(f"/proc/{pid}/statm")).split()
    return int(words[1]) * _PAGE_KB if len(words) > 1 else 0


def share_kb(pid: int) -> int:
    """A process's own memory and its share of what it has in common with others, in KB; 0 for one that has ended."""
    for line in _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return resident_kb(pid)


def end_trees(family: Iterable[int]) -> None:
    """End these processes, and all that were started below them meanwhile, at once."""
    for pid in tree(family):
        processes.signal_one(pid, processes.KILL)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
