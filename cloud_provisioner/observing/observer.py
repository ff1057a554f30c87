"""What the child process does: looks at the pool, and writes into it. It blocks for as long as HTCondor does.

All that it remembers can be lost with it: which kinds of jobs there are, and what was said when.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from cloud_provisioner.observing import workers
from cloud_provisioner.observing.answers import Observation, Spoken
from cloud_provisioner.observing.demand import Demand, JobId, grouped, idle, kind, representatives
from cloud_provisioner.observing.reading import Ad, each, left_out
from cloud_provisioner.observing.reasons import WAVE, changes, edits
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.reasons import Waiting
from cloud_provisioner.planning.supply import Server
from cloud_provisioner.servers.views import PoolView
from pool.attributes import Job
from pool.errors import PoolUnavailable
from pool.head import Collecting
from pool.submission import escaped

_MOST_KINDS = 20_000
_AT_ONCE = 500
"""Representatives that are asked for in one query."""
_TRIES = 3
"""How often representatives are asked for: one may have left the queue in between."""


class Head(Protocol):
    """What is needed of `pool.head.Head`."""

    def idle(self) -> list[Mapping[str, Any]]:
        """All idle jobs."""
        ...

    def whole(self, jobs: Sequence[JobId]) -> list[Mapping[str, Any]]:
        """At least these, in ascending order, with all that decides where they can run."""
        ...

    def collected(self, now: float) -> Collecting:
        """All workers."""
        ...

    def edit(self, attribute: str, text: str | None, jobs: Sequence[JobId]) -> None:
        """Sets an attribute."""
        ...

    def invalidate(self, servers: Iterable[str]) -> None:
        """Takes ads away."""
        ...


class Observer:
    """`clock` gives epoch seconds, `ticks` seconds that never go back."""

    def __init__(
        self, head: Head, clock: Callable[[], float] = time.time, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._head, self._clock, self._ticks = head, clock, ticks
        self._kinds: dict[str, Group] = {}
        self._demand = Demand()
        self._changed_at: dict[str, float] = {}

    def observe(self) -> Observation:
        """Looks at the queue and at the workers; one of them may fail without the other."""
        began = self._ticks()
        troubles: list[str] = []
        groups: tuple[Group, ...] | None = None
        pool: PoolView | None = None
        static: tuple[Server, ...] = ()
        try:
            odd = self._look()
            groups = self._demand.groups
            troubles += (f"the queue: {says}" for says in left_out(odd))
        except PoolUnavailable as error:
            self._demand = Demand()
            troubles.append(f"the queue: {error.detail}")
        try:
            now = self._clock()
            found = self._head.collected(now)
            pool, static, odd = workers.seen(found.slots, found.up_since, now)
            troubles += (f"the collector: {says}" for says in left_out(odd))
        except PoolUnavailable as error:
            troubles.append(f"the collector: {error.detail}")
        return Observation(groups, pool, static, self._ticks() - began, tuple(troubles))

    def say(self, reasons: Sequence[Waiting], budget: float) -> Spoken:
        """Writes reasons into the ads of the jobs of the last look, for no longer than `budget` seconds. PoolUnavailable."""
        deadline = self._ticks() + budget
        due = changes(self._demand, reasons, self._changed_at, self._clock(), escaped)
        told = 0
        while told < len(due) and self._ticks() < deadline:
            wave = due[told : told + WAVE]
            for edit in edits(wave):
                self._head.edit(edit.attribute, edit.text, edit.jobs)
            told += len(wave)
        # A group of which some are still to be told has not had its turn.
        unfinished = {change.group for change in due[told:]}
        now = self._clock()
        self._changed_at |= {one.group: now for one in due[:told] if one.again and one.group not in unfinished}
        # What was said is not in what was seen: nothing more is said before the next look.
        self._demand = Demand()
        return Spoken(told, len(due) - told)

    def depart(self, servers: Sequence[str]) -> None:
        """Takes the workers on these servers, by uuid, out of the collector. PoolUnavailable."""
        if servers:
            self._head.invalidate(servers)

    def _look(self) -> list[str]:
        """Sees what there is in `_demand`; the jobs whose ads cannot be read."""
        ads, odd = each(self._head.idle(), idle, "ClusterId")
        for _ in range(_TRIES):
            unknown = representatives(ads, self._kinds)
            if not unknown:
                break
            odd += self._learn(sorted(unknown))
            asked = set(unknown)
            ads = [ad for ad in ads if ad[Job.DEMAND] in self._kinds or (ad["ClusterId"], ad["ProcId"]) not in asked]
        self._demand = grouped(ads, self._kinds)
        present = {ad[Job.DEMAND] for ad in ads}
        if len(self._kinds) > _MOST_KINDS:
            self._kinds = {key: like for key, like in self._kinds.items() if key in present}
        self._changed_at = {key: at for key, at in self._changed_at.items() if key in self._demand.members}
        return odd

    def _learn(self, jobs: Sequence[JobId]) -> list[str]:
        odd: list[str] = []
        for first in range(0, len(jobs), _AT_ONCE):
            _, unread = each(self._head.whole(jobs[first : first + _AT_ONCE]), self._meet, Job.DEMAND)
            odd += unread
        return odd

    def _meet(self, ad: Ad) -> None:
        if ad[Job.DEMAND] not in self._kinds:
            self._kinds[ad[Job.DEMAND]] = kind(ad)
