"""Runs a job's sidecars beside its tasks: all are started before the first task and ended when the tasks have ended.

Races thought of: an order to stop while a sidecar is being started waits until it is known; one that comes while sidecars are
given time to end takes the rest of that time away; a sidecar that ends on its own is reaped by the thread that waits for it,
under a lock, so that no signal goes to a process id that is somebody else's by then.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import ExitStack
from typing import Callable, ContextManager, List, Optional, Set

from worker import processes
from worker.ended import Ended
from worker.processes import Eviction, descendants
from worker.report import TaskRecord
from worker.running import task_process
from worker.runtimes.program import Program

GRACE = 10.0
"""Seconds that sidecars have, together, to end after they were asked to."""
GRACE_EVICTED = processes.GRACE
"""The same where the executor itself was told to stop."""


class Sidecar:
    """One running sidecar; its record is filled in when it ends, also when nobody asked it to."""

    def __init__(
        self, child: subprocess.Popen[bytes], record: TaskRecord, now: Callable[[], float], above: int
    ) -> None:
        self.ended = threading.Event()
        self.leader = child.pid
        self._child = child
        self._record = record
        self._begun = now()
        self._now = now
        self._lock = threading.Lock()
        self._family: Set[int] = set()
        self._above = above
        threading.Thread(target=self._wait, daemon=True).start()

    def ask(self) -> None:
        """Ask the sidecar to end: its own process where that can be told from its runtime's, which would end at once."""
        with self._lock:
            if self.ended.is_set():
                return
            self._family = descendants(self._child.pid)
            own = task_process(self._child.pid, self._above)
            if own is None:
                processes.signal_tree(self._child.pid, self._family, processes.TERM)
            else:
                processes.signal_one(own, processes.TERM)

    def kill(self) -> None:
        """End the sidecar and all of its descendants, also those that left it since it was asked."""
        with self._lock:
            if not self.ended.is_set():
                self._family |= descendants(self._child.pid)
                processes.signal_tree(self._child.pid, self._family, processes.KILL)

    def _wait(self) -> None:
        os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            processes.signal_tree(self._child.pid, self._family, processes.KILL)
            _, status, usage = os.wait4(self._child.pid, 0)
            self._child.returncode = os.waitstatus_to_exitcode(status)
            self._note(processes.ended(self._child.returncode, usage))
            self.ended.set()

    def _note(self, ended: Ended) -> None:
        record, end = self._record, self._now()
        record.note(ended)
        record.wall_time, record.end_time = end - self._begun, end


class Sidecars:
    """The sidecars of a job. Used as a block: at its end none of them is left, whatever ended it."""

    def __init__(self, eviction: Eviction, now: Callable[[], float], grace: float = GRACE) -> None:
        self._eviction = eviction
        self._now = now
        self._grace = grace
        self._running: List[Sidecar] = []
        self._belongings = ExitStack()

    def __enter__(self) -> "Sidecars":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop(GRACE_EVICTED if self._eviction.requested else self._grace)
        finally:
            self.stop(0)  # does something only where the order to stop interrupted the first
            self._belongings.close()

    def start(self, prepared: ContextManager[Program], record: TaskRecord, stdout: Optional[int]) -> None:
        """Start one, whose program is ``prepared`` until it has ended.

        Its output goes to the descriptor ``stdout``, to the job's where that is None. Raises what ``prepared`` raises, and
        RuntimeUnavailableError where there is no such program.
        """
        program = self._belongings.enter_context(prepared)
        with self._eviction.hold():
            child = processes.start(program.argv, program.env, stdout, None, program.cwd)
            self._running.append(Sidecar(child, record, self._now, program.above))

    def leaders(self) -> List[int]:
        """The processes of the runtimes of those that have not ended."""
        return [one.leader for one in self._running if not one.ended.is_set()]

    def stop(self, grace: float) -> None:
        """Ask all to end, and after ``grace`` seconds end them with their whole trees."""
        deadline = time.monotonic() + grace
        for one in self._running:
            one.ask()
        for one in self._running:
            one.ended.wait(max(0.0, deadline - time.monotonic()))
        for one in self._running:
            one.kill()
        for one in self._running:
            one.ended.wait()
