"""How each instance of a workflow stands, by DAGMan's log of states, of which nothing is read twice in a process.

Races thought of:
- The log is written while it is read: what ends in the middle of a line is left for the next time.
- DAGMan was killed and begins again: it goes on in the same log and may tell again what it told; done stays done.
- The log was put anew (its inode is another, or it is shorter than what was read): it is read from its beginning.
- Two requests for one workflow at a time: the second waits for the first, then finds nothing new.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from api.jobs import folder
from api.workflows.plan import Plan, instance_number
from pool.dagman import STATES_FILE
from pool.node_states import NodeState, changes

KEPT = 32
"""Workflows whose states a process keeps, a byte for each instance: those that were asked for last."""


@dataclass(frozen=True)
class Counts:
    """How many instances of a job are where."""

    waiting: int = 0
    queued: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0

    @property
    def state(self) -> NodeState:
        """All of them in a word: what runs comes first, then what failed, then what is in the queue."""
        if self.running:
            return NodeState.RUNNING
        if self.failed:
            return NodeState.FAILED
        if self.queued:
            return NodeState.QUEUED
        return NodeState.WAITING if self.waiting else NodeState.DONE


@dataclass
class _Standing:
    """The instances of one workflow, a byte each, as far as the log with that inode was read."""

    lock: Lock = field(default_factory=Lock)
    states: bytearray = field(default_factory=bytearray)
    inode: int = -1
    offset: int = 0

    def advance(self, log: Path, plan: Plan) -> None:
        """Reads what is new in the log of the workflow with that plan. The caller has the lock."""
        with folder.opened(log) as descriptor:
            if descriptor is None:
                self._begin(-1, plan)
                return
            status = os.fstat(descriptor)
            if status.st_ino != self.inode or status.st_size < self.offset:
                self._begin(status.st_ino, plan)
            for offset, changed in changes(descriptor, self.offset):
                self._take(changed)
                self.offset = offset

    def _begin(self, inode: int, plan: Plan) -> None:
        self.states, self.inode, self.offset = bytearray(plan.total), inode, 0
        for number in plan.done:
            self.states[number] = NodeState.DONE

    def _take(self, changed: Sequence[tuple[bytes, NodeState]]) -> None:
        states, total = self.states, len(self.states)
        for name, state in changed:
            number = instance_number(name.decode())
            if number is not None and number < total and states[number] != NodeState.DONE:
                states[number] = state


class Standings:
    """The states of instances of workflows, those of KEPT workflows kept. For several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Standing] = OrderedDict()
        self._lock = Lock()

    def counts(self, plan: Plan, at: Path, over: bool) -> list[Counts]:
        """For each part of the plan of the workflow whose folder is `at`, how many of its instances are where.

        When a workflow is `over`, nothing of it runs or waits in the queue: what did when it was ended counts as failed.
        """
        standing = self._standing(plan.submission)
        with standing.lock:
            standing.advance(at / STATES_FILE, plan)
            return [_counts(standing.states[part.first : part.numbers.stop], over) for part in plan.parts]

    def _standing(self, submission: str) -> _Standing:
        with self._lock:
            found = self._kept.pop(submission, None) or _Standing()
            self._kept[submission] = found
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found


def _counts(states: bytearray, over: bool) -> Counts:
    waiting, queued, running, done, failed = (states.count(state) for state in NodeState)
    return (
        Counts(waiting, 0, 0, done, failed + queued + running)
        if over
        else Counts(waiting, queued, running, done, failed)
    )
