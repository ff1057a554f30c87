"""One cycle: what was seen is followed, what is missing is planned, all of it is written, and then the calls are begun.

Nothing here waits, but for the database. Races it has thought of:

- An answer of a cloud is taken off only when what it means is written: if the database fails, it is followed again.
- A list and an observation are used once: a second look at the same one would count an absence twice.
- A list that was begun before a delete may end after it, and show a server whose record is forgotten: that is no leak.
- Nothing is planned on an old view of the pool or the queue: demand and room must be of one moment.
- The lease may be lost at any time: the database refuses the write.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from cloud_provisioner.daemon.acting import Acting
from cloud_provisioner.daemon.clouds import Clouds
from cloud_provisioner.daemon.hearing import Hearing
from cloud_provisioner.daemon.homes import given_up, moved
from cloud_provisioner.daemon.place import Place
from cloud_provisioner.daemon.places import Use, within
from cloud_provisioner.daemon.register import Register
from cloud_provisioner.daemon.terms import Terms, View
from cloud_provisioner.metrics import Metrics
from cloud_provisioner.planning.decisions import Boot
from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.planning.plan import Plan, plan
from cloud_provisioner.planning.supply import supply
from cloud_provisioner.servers.advance import advance, told
from cloud_provisioner.servers.leaks import adopted, leaks
from cloud_provisioner.servers.record import Intent, Times
from cloud_provisioner.servers.states import Seen, State
from cloud_provisioner.servers.views import CloudView, PoolView

_LOG = logging.getLogger(__name__)
_SILENCE = 60.0
"""Seconds, longer than a look at the pool takes, after which it counts as heard anew."""
_STARTING = (State.BUILDING, State.JOINING)
_CHANGING = frozenset(State) - {State.READY, State.INTENDED}


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
        self._acting = Acting(self.terms, self.register, self.clouds, self.metrics, self.drain)

    def run(self, view: View | None, lenders: frozenset[str], unwanted: Iterable[str], now: float) -> Plan | None:
        """One cycle. `view` is one that no cycle has used yet; `unwanted` are uuids that an admin gives back from now on.

        The plan, None where nothing could be planned. Whatever the database raises: then nothing was done.
        """
        pool = self._hearing.heard(view.pool if view is not None else None, now, self.terms.steady())
        if pool is not None:
            self._acting.joined = pool.workers
        self.register.keep_time(now)
        settled = self._outcomes(now)
        self._follow(pool, lenders, now)
        self._give_back(unwanted, pool, now)
        made = self._plan(view, lenders, now)
        todo = self.register.commit()
        for place, key in settled:
            place.settled(key)
        self._count()
        self._acting.act(todo, lenders)
        self._acting.send(now, lenders)
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
        lists = self._lists(lenders, now)
        for place, listed in lists:
            if listed is not None and self.clouds.described(place.name):
                self._move(place, listed)
        by_place = self._by_place()
        for place, listed in lists:
            if listed is not None:
                self._leaks(place, listed, pool, lenders, now)
            times = replace(self.terms.times, building=place.site.boot_timeout)
            self._advance(by_place.pop(place.name, ()), listed, pool, now, times)
        for homeless in by_place.values():
            self._advance(homeless, None, pool, now, self.terms.times)
            left = [self.register.intents[one.uuid] for one in homeless if one.uuid in self.register.intents]
            for intent in given_up(left, now, self.terms.times):
                self.register.follow(told(intent, Seen.LATE, now), now)

    def _move(self, place: Place, listed: CloudView) -> None:
        intents, terms = self.register.intents, self.terms
        found = list(
            moved(intents, place.name, listed.servers, terms.service, terms.times.absences, self.clouds.described)
        )
        for intent in found:
            _LOG.info("server %s of %s belongs to %s now", intent.uuid, intents[intent.uuid].site, place.name)
        if found:
            self.register.add(found)
            place.ask_anew()

    def _by_place(self) -> dict[str, list[Intent]]:
        found: dict[str, list[Intent]] = {}
        for intent in self.register.intents.values():
            found.setdefault(intent.site, []).append(intent)
        return found

    def _lists(self, lenders: frozenset[str], now: float) -> list[tuple[Place, CloudView | None]]:
        """Asks each place what is due, and takes what has come: its list, None where there is none."""
        lists = []
        by_place = self._by_place()
        for place in self.clouds:
            here = by_place.get(place.name, [])
            changing = any(intent.state in _CHANGING for intent in here)
            lent = [*dict.fromkeys(one.binding.user for one in here if one.binding.user in lenders), *sorted(lenders)]
            made = Use.of(intent for intent in here if intent.cloud_id is not None)
            place.ask(now, changing, made, [user for user in lent if user is not None])
            place.tidy(lenders, {intent.binding.user for intent in here if intent.binding.user is not None})
            lists.append((place, place.listed()))
            place.offered(now)
        return lists

    def _advance(
        self, intents: Iterable[Intent], listed: CloudView | None, pool: PoolView | None, now: float, times: Times
    ) -> None:
        for intent in intents:
            if intent.state is not State.INTENDED:
                worker = pool.workers.get(intent.uuid) if pool else None
                step = advance(intent, listed, pool, now, times)
                self.register.follow(step, now, worker.total if worker else None)

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
            self._acting.delete_leak(place, leak, lenders)

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

    def _count(self) -> None:
        for do in self.register.failures:
            if do.failure is not None:
                self.metrics.failures.labels(do.failure.value).inc()
        for do in self.register.boots:
            self.metrics.boot_seconds.observe(do.seconds)
        self.register.failures.clear()
        self.register.boots.clear()
