"""Which container runs at the moment, for those who want to look into it from another thread.

Races thought of: a container that is not up yet, or that ends while it is looked for, is no container. A process id is taken
from below the runtime's own process, which this executor waits for, and so is not somebody else's.
"""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from worker.processes import TERM, descendants, signal_one
from worker.runtimes.program import Program

Again = Optional[Callable[[Sequence[str]], Program]]
"""How to run a further command in a container that has no namespaces (see Program); None for one that has."""


class Container(NamedTuple):
    """A running container: the process id of its first process (the init of its process namespace), that of the task's own
    process, the process of the runtime above both, and the variables that the task was given. Of a container without namespaces
    all three are the runtime's process, and ``again`` is the way into it."""

    init: int
    main: int
    leader: int
    variables: Mapping[str, str]
    again: Again = None

    def is_up(self) -> bool:
        """Whether it still runs; for a moment also when it was ended and the kernel has not taken its processes yet."""
        return bool(_namespace_pids(self.init))


class Running:
    """The container of the task that runs now, if one does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leader: Optional[int] = None
        self._variables: Dict[str, str] = {}
        self._again: Again = None

    @contextmanager
    def task(self, variables: Mapping[str, str], again: Again = None) -> Iterator[None]:
        """Within the block a task with these variables is run; the process given to ``started`` is its runtime's."""
        with self._lock:
            self._variables, self._again = dict(variables), again
        try:
            yield
        finally:
            with self._lock:
                self._leader = None

    def started(self, leader: int) -> None:
        """The runtime of the task is the process ``leader``."""
        with self._lock:
            self._leader = leader

    def leaders(self) -> List[int]:
        """The process of the task's runtime, where a task runs."""
        with self._lock:
            return [] if self._leader is None else [self._leader]

    def container(self) -> Optional[Container]:
        """The running container, None while there is none that could be entered."""
        with self._lock:
            leader, variables, again = self._leader, self._variables, self._again
        if leader is None:
            return None
        return Container(leader, leader, leader, variables, again) if again else _container(leader, variables)


def _container(leader: int, variables: Mapping[str, str]) -> Optional[Container]:
    known = {pid: _namespace_pids(pid) for pid in descendants(leader)}
    inits = sorted((len(pids), pid) for pid, pids in known.items() if len(pids) > 1 and pids[-1] == 1)
    if not inits:
        return None
    init = inits[0][1]
    # The runtime starts the task's process once the container is ready, as the first below the namespace's init.
    below = sorted((known[pid][-1], pid) for pid in descendants(init) & known.keys() if len(known[pid]) == inits[0][0])
    return Container(init, below[0][1], leader, variables) if below else None


def task_process(leader: int, above: int) -> Optional[int]:
    """The task's own process below its runtime's process ``leader``; None while there is none that can be told from others.

    ``above`` is that of the runtime's Program, 0 for one with namespaces.
    """
    if not above:
        found = _container(leader, {})
        return found.main if found else None
    below = sorted((_start_time(pid), pid) for pid in descendants(leader))
    return below[above][1] if len(below) > above else None


def ask_to_end(child: subprocess.Popen[bytes], above: int, seconds: float) -> None:
    """Ask the task's own process, below its runtime's ``child``, to end (SIGTERM), and wait for that up to ``seconds``.

    ``above`` is that of the runtime's Program.
    """
    own = task_process(child.pid, above)
    if own is None:
        return
    signal_one(own, TERM)
    deadline = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def _start_time(pid: int) -> int:
    """When a process was started, in clock ticks since the machine was; 0 for one that has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[19])


def _namespace_pids(pid: int) -> List[int]:
    """The ids of a process in each namespace that it is in, this one's first; empty where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    fields = dict(line.partition(":")[::2] for line in status.splitlines())
    ended = fields.get("State", "").split()[:1] in (["Z"], ["X"])
    return [] if ended else [int(word) for word in fields.get("NSpid", "").split()]
