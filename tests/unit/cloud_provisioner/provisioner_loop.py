"""Observe, plan, act around the pure parts, on a virtual clock, so that it can be killed between any two steps.

`store` is what survives a kill: it is written whole, as by a transaction. Everything else is lost with the process.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.past import Past, accepted, booted, failed
from cloud_provisioner.planning.places import Site
from cloud_provisioner.planning.plan import Plan, plan
from cloud_provisioner.planning.supply import supply
from cloud_provisioner.servers.advance import Step, advance, told
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.leaks import adopted, leaks
from cloud_provisioner.servers.record import Do, Intent, Times
from cloud_provisioner.servers.states import Action, Seen, State
from cloud_provisioner.servers.views import Listed
from tests.unit.cloud_provisioner.fake_cloud import Ambiguous, FakeCloud, Refused
from tests.unit.cloud_provisioner.fake_pool import FakePool

TIMES = Times(
    sending=30, unsure=30, abandoned=300, building=200, joining=200, lost=200, repeat=10, vanished=25, pool_settling=60
)


class Killed(Exception):
    pass


class Provisioner:
    """One process. `kill_rate` is the chance to die at each of its steps."""

    def __init__(
        self,
        store: dict[str, Intent],
        clouds: dict[str, FakeCloud],
        pool: FakePool,
        sites: list[Site],
        ids: Iterator[int],
        chance: random.Random,
        kill_rate: float,
        now: float,
    ) -> None:
        self.store, self.clouds, self.pool, self.sites = store, clouds, pool, sites
        self.ids, self.chance, self.kill_rate = ids, chance, kill_rate
        self.past = Past()
        self.suspects: dict[str, dict[str, float]] = {name: {} for name in clouds}
        for uuid, intent in list(store.items()):
            store[uuid] = told(intent, Seen.RESTARTED, now).intent

    def point(self) -> None:
        if self.chance.random() < self.kill_rate:
            raise Killed

    def cycle(self, now: float, demand: list[Group], pool_answers: bool) -> Plan | None:
        view = self.pool.view(now) if pool_answers else None
        # HTCondor goes on matching while we think: what is decided below rests on a view that is already old.
        self.pool.tick(now + 5)
        listings = {name: cloud.listing(now) for name, cloud in self.clouds.items()}
        for intent in list(self.store.values()):
            self.follow(advance(intent, listings[intent.site], view, now, TIMES), now)
        for name, listing in listings.items():
            self.point()
            found = leaks(listing, view, self.store.keys(), self.suspects[name], "ours", 20, TIMES.pool_settling)
            self.suspects[name] = dict(found.suspects)
            for leak in found.adopt:
                self.point()
                if view is not None:
                    self.store[leak.uuid] = adopted(leak, view.workers[leak.uuid], name, now)
            for leak in found.delete:
                self.delete_leak(name, leak, now)
        if view is None:
            return None
        made = plan(demand, supply(self.store.values(), view), self.sites, self.past, now)
        for boot in made.boots:
            self.point()
            new = [
                Intent(
                    f"u{next(self.ids)}",
                    boot.site,
                    boot.flavor.name,
                    boot.flavor.size,
                    boot.flavor.room,
                    now,
                    now,
                    boot.binding,
                    boot.purpose,
                    boot.flavor.preemptible,
                )
                for _ in range(boot.count)
            ]
            self.store.update((intent.uuid, intent) for intent in new)
        for uuid in made.drain:
            self.follow(told(self.store[uuid], Seen.GIVE_BACK, now), now)
        for intent in list(self.store.values()):
            if intent.state is State.INTENDED:
                self.follow(told(intent, Seen.DUE, now), now)
        return made

    def follow(self, step: Step, now: float) -> None:
        self.point()
        self.store[step.intent.uuid] = step.intent
        for do in step.todo:
            self.point()
            self.act(do, now)
            self.point()

    def act(self, do: Do, now: float) -> None:
        intent = self.store[do.uuid]
        where = (intent.site, intent.flavor)
        if do.action is Action.CREATE:
            self.create(intent, now)
        elif do.action is Action.DELETE and do.cloud_id is not None:
            self.delete(intent, do.cloud_id, now)
        elif do.action is Action.DRAIN:
            if intent.uuid in self.pool.members:
                self.pool.members[intent.uuid].draining = True
        elif do.action is Action.FORGET:
            del self.store[intent.uuid]
        elif do.action is Action.NOTE_BOOT:
            self.past = booted(self.past, *where, do.seconds, intent.room)
        elif do.action is Action.NOTE_FAILURE and do.failure is not None:
            cores = sum(one.size.cpus for one in self.store.values() if one.site == intent.site)
            self.past = failed(self.past, *where, do.failure, now, cores)

    def create(self, intent: Intent, now: float) -> None:
        try:
            cloud_id = self.clouds[intent.site].create(intent, now)
        except Refused as refusal:
            self.follow(told(intent, Seen.REFUSED, now, refusal.failure), now)
        except Ambiguous:
            self.follow(told(intent, Seen.AMBIGUOUS, now, Failure.BUSY), now)
        else:
            self.point()
            self.past = accepted(self.past, intent.site)
            self.follow(told(intent, Seen.ACCEPTED, now, cloud_id=cloud_id), now)

    def delete(self, intent: Intent, cloud_id: str, now: float) -> None:
        cloud = self.clouds[intent.site]
        machine = cloud.machines.get(cloud_id)
        if machine is not None and not machine.extra:
            assert not self.pool.busy(intent.uuid), f"busy worker deleted: {intent}"
        try:
            gone = cloud.delete(cloud_id, now)
        except Ambiguous:
            return
        if gone and cloud_id == intent.cloud_id:
            self.follow(told(intent, Seen.NOT_FOUND, now), now)

    def delete_leak(self, site: str, leak: Listed, now: float) -> None:
        self.point()
        try:
            self.clouds[site].delete(leak.cloud_id, now)
        except Ambiguous:
            return


def numbered() -> Iterator[int]:
    return itertools.count()
