"""The provisioner's own cycle on a virtual clock, with clouds and a pool that have faults, killed between any two steps.

The calendar's clock, by which records are kept, may be set: `offset` is by how much it is ahead of the virtual one.

`Disk` is what survives a kill: it is written whole, as by a transaction. Everything else is lost with the process.
Calls are made at once, in the thread that asks for them; what came of them is seen in the next cycle.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from typing import Any

from cloud_provisioner.daemon.clouds import Clouds
from cloud_provisioner.daemon.cycle import Cycle
from cloud_provisioner.daemon.place import Pace
from cloud_provisioner.daemon.register import Register
from cloud_provisioner.daemon.terms import Terms, View
from cloud_provisioner.drivers.contract import CloudAmbiguous, CloudRefused, Credential, Offer, Order
from cloud_provisioner.metrics import Metrics
from cloud_provisioner.planning.decisions import Policy
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.past import Past
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.planning.plan import Plan
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Intent, Times
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import CloudView
from cloud_provisioner.sites import base
from tests.unit.cloud_provisioner.fake_cloud import FLAVORS, Ambiguous, FakeCloud, Refused
from tests.unit.cloud_provisioner.fake_pool import FakePool

TIMES = Times(
    sending=30, unsure=30, abandoned=300, building=200, joining=200, lost=200, repeat=10, vanished=25, pool_settling=60
)
PACE = Pace(busy=0, calm=0, offer=60)


class Killed(BaseException):
    pass


class AtOnce(Executor):
    """An executor without threads. A kill goes through to whoever asked."""

    def __init__(self, *_: object) -> None:
        pass

    def submit(self, call: Callable[..., Any], /, *words: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*words, **named))
        except (CloudRefused, CloudAmbiguous) as error:
            future.set_exception(error)
        return future


@dataclass
class Disk:
    """The database: records, and what boots taught."""

    intents: dict[str, Intent] = field(default_factory=dict)
    past: Past = field(default_factory=Past)
    point: Callable[[], None] = lambda: None
    """Called before and after each transaction: it may end the process."""

    def load(self) -> tuple[dict[str, Intent], Past]:
        return dict(self.intents), self.past

    def write(self, intents: Iterable[Intent] = (), forget: Iterable[str] = (), past: Past | None = None) -> None:
        self.point()
        self.intents.update((intent.uuid, intent) for intent in intents)
        for uuid in forget:
            self.intents.pop(uuid, None)
        self.past = past or self.past
        self.point()


@dataclass
class FakeAccount:
    cloud: FakeCloud
    process: Provisioner
    quota: int = 8
    """What the cloud says of it; what it enforces may have become less."""

    def offer(self) -> Offer:
        return Offer(FLAVORS, Limits(cores=self.quota))

    def listing(self, begun_at: float) -> CloudView:
        view = self.cloud.listing(self.process.now)
        if view is None:
            raise CloudRefused(Failure.BUSY, "the list failed")
        return replace(view, begun_at=begun_at)

    def create(self, order: Order) -> str:
        process = self.process
        process.point()
        try:
            cloud_id = self.cloud.create(process.disk.intents[order.uuid], process.now)
        except Refused as refusal:
            raise CloudRefused(refusal.failure, "no") from refusal
        except Ambiguous as error:
            raise CloudAmbiguous("perhaps") from error
        finally:
            process.point()
        return cloud_id

    def delete(self, cloud_id: str) -> bool:
        process = self.process
        process.point()
        machine = self.cloud.machines.get(cloud_id)
        if machine is not None and not machine.extra and machine.intent.uuid in process.disk.intents:
            record = process.disk.intents[machine.intent.uuid]
            assert not process.pool.busy(record.uuid), f"busy worker deleted: {record}"
            assert record.state is State.DELETING or record.cloud_id != cloud_id, f"never given up: {record}"
        try:
            return self.cloud.delete(cloud_id, process.now)
        except Ambiguous as error:
            raise CloudAmbiguous("perhaps") from error
        finally:
            process.point()

    def close(self) -> None:
        pass


@dataclass
class FakeDriver:
    process: Provisioner

    def accounts(self, site: base.Site) -> Sequence[Sequence[str]]:
        return [tuple(site.vos)]

    def per_user(self, site: base.Site) -> bool:
        return False

    def connect(
        self, site: base.Site, vo: str, credential: Credential | None, environ: Mapping[str, str], patience: float
    ) -> FakeAccount:
        return FakeAccount(self.process.fakes[site.name], self.process)


def described(name: str, **more: object) -> base.Site:
    """A site's description: open to all VOs unless it says otherwise."""
    return base.Site.model_validate({"name": name, "driver": "fake", "vos": {"*": {}}, **more})


class Provisioner:
    """One process. `kill_rate` is the chance to die at each of its steps."""

    def __init__(
        self,
        disk: Disk,
        clouds: dict[str, FakeCloud],
        pool: FakePool,
        sites: list[base.Site],
        ids: Iterator[int],
        chance: random.Random,
        kill_rate: float,
        now: float,
        offset: float = 0.0,
    ) -> None:
        self.disk, self.fakes, self.pool, self.sites = disk, clouds, pool, sites
        self.chance, self.kill_rate, self.now = chance, kill_rate, now
        disk.point = self.point
        driver = FakeDriver(self)
        self.clouds = Clouds({}, _no_credential, PACE, lambda _: driver, AtOnce, steady=self.steady)
        terms = Terms(
            "ours",
            TIMES,
            Policy(),
            _order,
            lambda: f"u{next(ids)}",
            may_act=lambda: True,
            leaks_apart=20,
            steady=self.steady,
        )
        self.process = Cycle(terms, Register(disk, now + offset), self.clouds, Metrics(), self.drain, lambda _: None)

    def steady(self) -> float:
        return self.now

    def point(self) -> None:
        if self.chance.random() < self.kill_rate:
            raise Killed

    def drain(self, uuids: Iterable[str]) -> None:
        self.point()
        for uuid in uuids:
            if uuid in self.pool.members:
                self.pool.members[uuid].draining = True

    def cycle(
        self, now: float, demand: list[Group], pool_answers: bool, offset: float = 0.0, unwanted: Sequence[str] = ()
    ) -> Plan | None:
        self.now = now
        view = View(demand, self.pool.view(now)) if pool_answers else None
        # HTCondor goes on matching while we think: what is decided below rests on a view that is already old.
        self.pool.tick(now + 5)
        self.clouds.refresh(self.sites, self.process.register.intents.values())
        return self.process.run(view, frozenset(), unwanted, now + offset)


def _no_credential(user: str) -> Credential:
    raise AssertionError(f"nobody lends anything here, {user} neither")


def _order(intent: Intent, site: base.Site, vo: str, zone: int) -> Order:
    return Order(intent.uuid, f"prominence-{intent.uuid}", "ours", intent.flavor, vo, "#!/bin/sh\n", zone)


def numbered() -> Iterator[int]:
    return itertools.count()
