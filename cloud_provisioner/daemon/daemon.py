"""The daemon: it holds the lease or waits for it, and while it holds it, goes round about once a second.

Races it has thought of:
- Two of them: the one that holds the lease acts, the other one waits. One that was paused for longer than its lease finds
  its next write refused, forgets everything, and waits as well.
- The database, the pool or a folder is away for a while: the cycle is left out and counted, the next one comes.
- It is killed: the next start reads the records and believes nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cloud_provisioner.daemon.clouds import Clouds
from cloud_provisioner.daemon.cycle import Cycle
from cloud_provisioner.daemon.register import Register
from cloud_provisioner.daemon.standing import standing, usable
from cloud_provisioner.daemon.terms import Terms, View
from cloud_provisioner.errors import LeaseLost, StoreUnreadable
from cloud_provisioner.grants.undeletable import Undeletable, sentence, undeletable
from cloud_provisioner.metrics import Metrics
from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.planning.reasons import Waiting
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.sites.watch import Sites
from cloud_provisioner.store.health import SiteHealth
from cloud_provisioner.store.lease import Lease
from cloud_provisioner.store.store import Store
from cloud_provisioner.store.wishes import Kind, Wish
from database.errors import DatabaseError

_LOG = logging.getLogger(__name__)
_SOON = 0.4
"""Seconds of a cycle in which an answer of the pool is waited for: what comes in time is planned for at once."""
_PUBLISHED_EVERY = 5.0
_TOLD_EVERY = 60.0
"""Seconds after which the log says again what it has said."""
_RENEWALS = 4
"""In the time of one lease."""


class PoolLink(Protocol):
    """The pool, as this process reaches it: no call takes longer than it is told to."""

    def view(self, wait: float) -> View | None:
        """What a look at the pool has shown that came within `wait` seconds, and was not given before; None: none did."""
        ...

    def say(self, reasons: Sequence[Waiting]) -> None:
        """Has the reasons of the view's jobs written to their ads."""
        ...

    def drain(self, uuids: Iterable[str]) -> None:
        """Has workers told to take no more jobs."""
        ...

    def depart(self, uuids: Iterable[str]) -> None:
        """Has the ads of workers taken out of the pool."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


@dataclass
class Daemon:
    """One provisioner. `clock` gives epoch seconds, `steady` seconds that never go back."""

    store: Store
    lease: Lease
    pool: PoolLink
    sites: Sites
    clouds: Clouds
    terms: Terms
    metrics: Metrics
    lenders: Callable[[], frozenset[str] | None]
    """The users whose own rights can be used now, by HTCondor's Owner; None: that is not known."""
    period: float
    clock: Callable[[], float]
    steady: Callable[[], float]
    cycle: Cycle | None = None
    _renewed_at: float = field(default=float("-inf"))
    _published_at: float = field(default=float("-inf"))
    _healths: dict[str, SiteHealth] = field(default_factory=dict)
    _left: frozenset[str] = frozenset()
    _trouble: str = ""
    """Why the last cycle was left out; empty: it was not."""
    _told_at: float = float("-inf")

    def run(self, stopping: threading.Event) -> None:
        """Goes round until it is told to stop, and then gives the lease away."""
        while not stopping.is_set():
            began = self.steady()
            with self.metrics.cycle_seconds.time():
                self._guarded()
            stopping.wait(max(0.02, self.period - (self.steady() - began)))
        self.pool.close()
        self.clouds.close()
        self._give_away()

    def _guarded(self) -> None:
        try:
            self.once()
        except LeaseLost as error:
            _LOG.warning("%s", error)
            self._stand_by()
        except (DatabaseError, StoreUnreadable) as error:
            self.metrics.failed_cycles.labels(type(error).__name__).inc()
            self._tell_trouble(error.told if isinstance(error, DatabaseError) else str(error))
        else:
            if self._trouble:
                _LOG.info("cycles go on")
            self._trouble = ""

    def _tell_trouble(self, trouble: str) -> None:
        """Logs why cycles are left out: when it begins, when it changes, and now and then."""
        if trouble != self._trouble or self.steady() - self._told_at >= _TOLD_EVERY:
            _LOG.warning("cycles are left out: %s", trouble)
            self._trouble, self._told_at = trouble, self.steady()

    def once(self) -> None:
        """One round. LeaseLost; DatabaseError, StoreUnreadable where the database cannot be used."""
        now = self.clock()
        self._refresh_sites()
        cycle = self._cycle(now)
        if cycle is None:
            return
        intents = cycle.register.intents
        self.clouds.refresh(self.sites.sites.values(), intents.values())
        view = self.pool.view(_SOON)
        if view is not None and view.groups is not None and view.pool is not None:
            self.metrics.observed.set(now)
        known = self.lenders()
        lenders = known or frozenset()
        wishes = self.store.wishes()
        made = cycle.run(view, lenders, _unwanted(wishes, intents.values()), self.clock())
        self.store.done([wish.number for wish in wishes], now)
        if made is not None:
            self.pool.say(made.reasons)
            self.metrics.set_waiting(made.reasons)
        self._publish(intents.values(), known, now)

    def _cycle(self, now: float) -> Cycle | None:
        """What this process works with while it holds the lease; None while it does not."""
        if self.cycle is not None:
            if self.steady() - self._renewed_at > self.lease.seconds / _RENEWALS:
                self.lease.renew()
                self._renewed_at = self.steady()
            return self.cycle
        if self.lease.acquire():
            self._renewed_at = self.steady()
            try:
                register = Register(self.store, now)
            except StoreUnreadable:
                # A newer program can perhaps read it: it is not kept from the lease.
                self.lease.release()
                raise
            self.cycle = Cycle(self.terms, register, self.clouds, self.metrics, self.pool.drain, self.pool.depart)
            self.metrics.act(now)
            _LOG.info("this provisioner acts, with %d servers on record", len(register.intents))
        return self.cycle

    def _refresh_sites(self) -> None:
        changes = self.sites.refresh(self.steady())
        for problem in changes.news:
            _LOG.warning("%s", problem)
        for what, names in (("added", changes.added), ("changed", changes.changed), ("removed", changes.removed)):
            if names:
                _LOG.info("sites %s: %s", what, ", ".join(names))
        self.metrics.problems.set(sum(not problem.note for problem in self.sites.problems()))

    def _stand_by(self) -> None:
        self.cycle = None
        self.metrics.stand_by()
        self._published_at = float("-inf")

    def _publish(self, intents: Iterable[Intent], lenders: frozenset[str] | None, now: float) -> None:
        """Tells admins and Prometheus how the sites are, now and then."""
        intents = tuple(intents)
        self.metrics.set_servers(intents, self._site_names(), now)
        if self.steady() - self._published_at < _PUBLISHED_EVERY:
            return
        self._published_at = self.steady()
        planned = {place.name: place for place in self.clouds.planned(intents, lenders or frozenset(), now)}
        self._healths = {
            place.name: standing(
                place,
                planned.get(place.name),
                [intent for intent in intents if intent.site == place.name],
                self._healths.get(place.name),
                self.sites.file_of(place.site.name),
                now,
            )
            for place in self.clouds
        }
        self.store.publish(self._healths.values())
        self.metrics.set_usable(usable(self._healths.values()))
        self._alarm(undeletable(intents, lenders, {place.name for place in self.clouds if place.per_user}))

    def _site_names(self) -> set[str]:
        return {place.site.name for place in self.clouds}

    def _alarm(self, left: Sequence[Undeletable]) -> None:
        """Tells of servers that nobody can delete any more, when there are others than before."""
        named = frozenset(one.uuid for one in left)
        if named - self._left:
            _LOG.error("%s", sentence(left))
        self._left = named
        self.metrics.set_undeletable((one.site for one in left), self._site_names())

    def _give_away(self) -> None:
        try:
            self.lease.release()
        except DatabaseError as error:
            _LOG.warning("the lease could not be given back, and ends by itself: %s", error.detail)


def _unwanted(wishes: Iterable[Wish], intents: Iterable[Intent]) -> list[str]:
    """The servers that admins want given back, by uuid."""
    servers = {wish.what for wish in wishes if wish.kind is Kind.DRAIN_SERVER}
    sites = {wish.what for wish in wishes if wish.kind is Kind.DRAIN_SITE}
    return [intent.uuid for intent in intents if intent.uuid in servers or cloud_of(intent.site) in sites]
