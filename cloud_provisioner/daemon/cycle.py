"""One cycle: what was seen is followed, what is missing is planned, all of it is written, and then the calls are begun.

Nothing here waits, but for the database. Races it has thought of:

- An answer of a cloud is taken off only when what it means is written: if the database fails, it is followed again.
- A list and an observation are used once: a second look at the same one would count an absence twice.
- A list that was begun before a delete may end after it, and show a server whose record is forgotten: that is no leak.
- Nothing is planned on an old view of the pool or the queue: demand and room must be of one moment.
- The lease may be lost at any time: the database refuses the write, and calls ask once more before they are made.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cloud_provisioner.daemon.clouds import Clouds
from cloud_provisioner.daemon.hearing import Hearing
from cloud_provisioner.daemon.place import Place
from cloud_provisioner.daemon.places import Use, vo_of, within
from cloud_provisioner.daemon.register import Register
from cloud_provisioner.drivers.contract import Order
from cloud_provisioner.metrics import Metrics
from cloud_provisioner.planning.decisions import Boot, Policy
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.planning.plan import Plan, plan
from cloud_provisioner.planning.supply import Server, supply
from cloud_provisioner.servers.advance import advance, told
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.leaks import adopted, leaks
from cloud_provisioner.servers.record import Do, Intent, Times
from cloud_provisioner.servers.states import Action, Seen, State
from cloud_provisioner.servers.views import CloudView, PoolView
from cloud_provisioner.sites import base

_LOG = logging.getLogger(__name__)
_SILENCE = 60.0
"""Seconds, longer than a look at the pool takes, after which it counts as heard anew."""
_STARTING = (State.BUILDING, State.JOINING)
_CHANGING = frozenset(State) - {State.READY, State.INTENDED}


@dataclass(frozen=True)
class View:
    """What one look at the pool has shown: idle jobs, our workers, and workers that somebody else brings.

    `groups` or `pool` is None where that part of the look failed; what is empty was seen to be so.
    """

    groups: Sequence[Group] | None
    pool: PoolView | None
    static: Sequence[Server] = ()


@dataclass(frozen=True)
class Terms:
    """What holds for every cycle of a process. `order` makes the order of a server for a VO of its
    place, after so many failures for lack of capacity."""

    service: str
    times: Times
    policy: Policy
    order: Callable[[Intent, base.Site, str, int], Order]
    new_uuid: Callable[[], str]
    may_act: Callable[[], bool]
    """Whether the lease still holds; asked in any thread, right before a call to a cloud."""
    leaks_apart: float = 30.0
    steady: Callable[[], float] = time.monotonic
    """Seconds of a clock that is never set."""


@dataclass
class Cycle:
    """The parts that one cycle brings together, and the little that is remembered from one to the next."""

    terms: Terms
    register: Register
    clouds: Clouds
    metrics: Metrics
    drain: Callable[[Iterable[str]], None]
    """Tells workers, by uuid, to take no more jobs."""
    depart: Callable[[Iterable[str]], None]
    """Tells the pool that workers, by uuid, are gone for good."""
    suspects: dict[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._hearing = Hearing(max(_SILENCE, self.terms.times.pool_settling))

    def run(self, view: View | None, lenders: frozenset[str], unwanted: Iterable[str], now: float) -> Plan | None:
        """One cycle. `view` is one that no cycle has used yet; `unwanted` are uuids that an admin gives back from now on.

        The plan, None where nothing could be planned. Whatever the database raises: then nothing was done.
        """
        pool = self._hearing.heard(view.pool if view is not None else None, now, self.terms.steady())
        self.register.keep_time(now)
        settled = self._outcomes(now)
        self._follow(pool, lenders, now)
        self._give_back(unwanted, pool, now)
        made = self._plan(view, lenders, now)
        todo = self.register.commit()
        for place, key in settled:
            place.settled(key)
        self._count()
        self._act(todo, lenders)
        self._send(now, lenders)
        return made

    def _give_back(self, unwanted: Iterable[str], pool: PoolView | None, now: float) -> None:
        """Notes what an admin gives back, and does it where the state allows: elsewhere it is done when it comes to that.

        What may have joined already is deleted only when a pool that knows its workers has answered without it.
        """
        intents = self.register.intents
        settled = pool is not None and now - pool.up_since >= self.terms.times.pool_settling
        self.register.add(replace(intents[uuid], unwanted=True) for uuid in unwanted if uuid in intents)
        for intent in [one for one in intents.values() if one.unwanted]:
            if settled or intent.state not in _STARTING:
                self.register.follow(told(intent, Seen.GIVE_BACK, now), now)

    def _outcomes(self, now: float) -> list[tuple[Place, tuple[str, str]]]:
        """Follows what calls have answered; the calls, to be taken off when that is written."""
        settled = []
        for place in self.clouds:
            for key, outcome in place.outcomes():
                settled.append((place, key))
                if outcome.failure is not None:
                    _LOG.warning("%s: server %s: %s", place.name, outcome.uuid, outcome.sentence)
                intent = self.register.intents.get(outcome.uuid)
                if intent is None or outcome.seen is None:
                    continue
                if outcome.seen is Seen.ACCEPTED:
                    self.register.accepted(intent)
                elif outcome.seen is Seen.REFUSED:
                    place.ask_anew()
                if outcome.seen is Seen.NOT_FOUND:
                    self.depart([outcome.uuid])
                step = told(intent, outcome.seen, now, outcome.failure, outcome.cloud_id)
                self.register.follow(step, now)
        return settled

    def _follow(self, pool: PoolView | None, lenders: frozenset[str], now: float) -> None:
        """Asks the clouds, and takes each server a step further by what clouds and pool have said."""
        by_place: dict[str, list[Intent]] = {}
        for intent in self.register.intents.values():
            by_place.setdefault(intent.site, []).append(intent)
        homeless = [one for name, there in by_place.items() if not self.clouds.described(name) for one in there]
        for place in self.clouds:
            here = [one for one in by_place.get(place.name, []) if self.register.intents[one.uuid].site == place.name]
            changing = any(intent.state in _CHANGING for intent in here)
            lent = [*dict.fromkeys(one.binding.user for one in here if one.binding.user in lenders), *sorted(lenders)]
            made = Use.of(intent for intent in here if intent.cloud_id is not None)
            place.ask(now, changing, made, [user for user in lent if user is not None])
            place.tidy(lenders, {intent.binding.user for intent in here if intent.binding.user is not None})
            listed = place.listed()
            place.offered(now)
            if listed is not None:
                if self.clouds.described(place.name):
                    self._rehome(homeless, place, listed)
                self._leaks(place, listed, pool, lenders, now)
            self._advance(here, listed, pool, now)
        unseen = [one.uuid for one in homeless if self.clouds.get(one.site) is None]
        self._advance([self.register.intents[uuid] for uuid in unseen], None, pool, now)

    def _advance(self, intents: Iterable[Intent], listed: CloudView | None, pool: PoolView | None, now: float) -> None:
        for intent in intents:
            if intent.state is not State.INTENDED:
                worker = pool.workers.get(intent.uuid) if pool else None
                step = advance(intent, listed, pool, now, self.terms.times)
                self.register.follow(step, now, worker.total if worker else None)

    def _rehome(self, homeless: Iterable[Intent], place: Place, listed: CloudView) -> None:
        """Gives a server, whose own place is described no more, to the place that lists it: the site may be called otherwise
        now, or have got more projects. Where it is called otherwise, the worker bears the old name: it is given back.

        One that is just being asked for stays until that has been answered.
        """
        for uuid in [one.uuid for one in homeless]:
            intent = self.register.intents.get(uuid)
            if intent is None or intent.state is State.SENDING or self.clouds.described(intent.site):
                continue
            if any(one.service == self.terms.service for one in listed.servers.get(uuid, ())):
                _LOG.info("server %s of %s belongs to %s now", uuid, intent.site, place.name)
                renamed = cloud_of(intent.site) != cloud_of(place.name)
                self.register.add([replace(intent, site=place.name, unwanted=intent.unwanted or renamed)])
                place.ask_anew()

    def _leaks(
        self, place: Place, listed: CloudView, pool: PoolView | None, lenders: frozenset[str], now: float
    ) -> None:
        if pool is None:
            return
        found = leaks(
            listed,
            pool,
            self.register.known_since(listed.begun_at),
            self.suspects.get(place.name, {}),
            self.terms.service,
            self.terms.leaks_apart,
            self.terms.times.pool_settling,
        )
        self.suspects[place.name] = found.suspects
        self.register.add(adopted(leak, pool.workers[leak.uuid], place.name, now) for leak in found.adopt)
        for leak in found.delete:
            _LOG.warning("%s: server %s has no record: it is deleted", place.name, leak.cloud_id)
            self.metrics.leaks.labels(cloud_of(place.name)).inc()
            place.delete_leak(leak.uuid, leak.cloud_id, sorted(lenders), self.terms.may_act)

    def _plan(self, view: View | None, lenders: frozenset[str], now: float) -> Plan | None:
        if view is None or view.groups is None or view.pool is None:
            return None
        intents = self.register.intents
        servers = (*supply(intents.values(), view.pool), *view.static)
        places = self.clouds.planned(intents.values(), lenders, now)
        made = plan(view.groups, servers, places, self.register.past, now, self.terms.policy)
        sites = {place.site.name: place.site for place in self.clouds}
        used: dict[str, list[Intent]] = {}
        for intent in intents.values():
            used.setdefault(cloud_of(intent.site), []).append(intent)
        for boot in within(made.boots, sites, {name: Use.of(here) for name, here in used.items()}):
            self.register.add(self._intended(boot, now) for _ in range(boot.count))
        for uuid in made.drain:
            if uuid in intents:
                self.register.follow(told(intents[uuid], Seen.GIVE_BACK, now), now)
        return made

    def _intended(self, boot: Boot, now: float) -> Intent:
        flavor = boot.flavor
        return Intent(
            self.terms.new_uuid(),
            boot.site,
            flavor.name,
            flavor.size,
            flavor.room,
            now,
            now,
            boot.binding,
            boot.purpose,
            flavor.preemptible,
        )

    def _send(self, now: float, lenders: frozenset[str]) -> None:
        """Begins as many of the creates that are written down as their places can make at a time.

        What is written down for a site that has been switched off or taken away since is forgotten.
        """
        waiting = [intent for intent in self.register.intents.values() if intent.state is State.INTENDED]
        if not waiting:
            return
        begun: dict[str, int] = {}
        for intent in sorted(waiting, key=lambda one: (one.made_at, one.uuid)):
            place = self.clouds.get(intent.site)
            if place is None or not self.clouds.takes_servers(intent.site):
                self.register.follow(told(intent, Seen.GIVE_BACK, now), now)
            elif begun.get(intent.site, 0) < place.free_calls:
                begun[intent.site] = begun.get(intent.site, 0) + 1
                self.register.follow(told(intent, Seen.DUE, now), now)
        self._act(self.register.commit(), lenders)

    def _act(self, todo: Iterable[Do], lenders: frozenset[str]) -> None:
        drained = []
        for do in todo:
            intent = self.register.intents.get(do.uuid)
            if do.action is Action.DRAIN:
                drained.append(do.uuid)
                continue
            place = self.clouds.get(intent.site) if intent is not None else None
            if intent is None or place is None:
                continue
            if do.action is Action.CREATE:
                self._create(place, intent)
            elif do.action is Action.DELETE and do.cloud_id is not None:
                place.delete(intent, do.cloud_id, sorted(lenders), self.terms.may_act)
        if drained:
            self.drain(drained)

    def _create(self, place: Place, intent: Intent) -> None:
        vo = vo_of(place.vos, intent.binding.vo)
        _LOG.info("%s: server %s is asked for (%s)", place.name, intent.uuid, intent.flavor)
        self.metrics.creates.labels(cloud_of(place.name)).inc()
        troubles = self.register.past.troubles.get((intent.site, intent.flavor, None), {})
        lacked = troubles[Failure.CAPACITY].failures if Failure.CAPACITY in troubles else 0
        place.create(intent, lambda: self.terms.order(intent, place.site, vo, lacked), self.terms.may_act)

    def _count(self) -> None:
        for do in self.register.failures:
            if do.failure is not None:
                self.metrics.failures.labels(do.failure.value).inc()
        for do in self.register.boots:
            self.metrics.boot_seconds.observe(do.seconds)
        self.register.failures.clear()
        self.register.boots.clear()
