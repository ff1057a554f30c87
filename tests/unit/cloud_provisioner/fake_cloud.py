"""A cloud on a virtual clock, with the faults that clouds have.

Contract, as a driver's: `create` returns the cloud's id, raises `Refused` where surely nothing was made, `Ambiguous`
where anything may have happened. `listing` returns None where it failed, and says where it is not complete; what it
calls complete may still leave a server out. `delete` returns True once there is no such server; it is repeated until
then, and `Ambiguous` says nothing.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning.places import Flavor
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.servers.views import CloudView, Listed, Status

FLAVORS = tuple(
    Flavor(name, Amount(cpus, cpus * 2048, 50_000), Amount(cpus, cpus * 2048, 50_000), price=cpus * 0.1)
    for name, cpus in (("small", 2), ("large", 4))
)
NEVER = float("inf")


class Refused(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class Ambiguous(Exception):
    pass


@dataclass
class Machine:
    cloud_id: str
    intent: Intent
    appears_at: float
    active_at: float
    joins_at: float
    fails_at: float = NEVER
    status: Status = Status.BUILD
    deletable_at: float = 0.0
    extra: bool = False
    dead: bool = False
    says: str | None = None
    """What its worker says instead of its id."""


@dataclass
class FakeCloud:
    """One site. `rate` is the chance of each fault in each call; 0 makes it a good cloud again."""

    name: str
    chance: random.Random
    rate: float
    cores: int
    late: tuple[float, float] = (5, 40)
    """How late a create that timed out may still show up, seconds."""
    locked_until: float = 0.0
    """Until when it answers 401 to everything."""
    machines: dict[str, Machine] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    creates: int = 0
    twins: set[str] = field(default_factory=set)
    """Uuids of which the cloud made two servers at one request."""

    def hit(self, fault: str) -> bool:
        if self.chance.random() < self.rate:
            self.faults[fault] += 1
            return True
        return False

    def create(self, intent: Intent, now: float) -> str:
        self.creates += 1
        if now < self.locked_until:
            self.faults["401"] += 1
            raise Refused(Failure.AUTH)
        if self.hit("429"):
            raise Refused(Failure.BUSY)
        if self.hit("503"):
            raise Ambiguous
        if sum(machine.intent.size.cpus for machine in self.machines.values()) + intent.size.cpus > self.cores:
            self.faults["quota"] += 1
            raise Refused(Failure.QUOTA)
        machine = self._made(intent, now)
        if self.hit("twice"):
            self._made(intent, now).extra = True
            self.twins.add(intent.uuid)
        if self.hit("503 but created"):
            raise Ambiguous
        if self.hit("time-out, appears later"):
            machine.appears_at = now + self.chance.uniform(*self.late)
            raise Ambiguous
        return machine.cloud_id

    def _made(self, intent: Intent, now: float) -> Machine:
        cloud_id = f"{self.name}-{intent.uuid}-{len(self.machines)}-{self.creates}"
        active_at = now + self.chance.uniform(5, 60)
        if self.hit("stuck in BUILD"):
            active_at = NEVER
        joins_at = active_at + self.chance.uniform(5, 40)
        if self.hit("never joins"):
            joins_at = NEVER
        machine = Machine(cloud_id, intent, now, active_at, joins_at)
        if self.hit("ERROR"):
            machine.fails_at = now + self.chance.uniform(0, 50)
        if self.hit("says a wrong id"):
            machine.says = self.chance.choice(("", "i-0000abcd", *self.machines))
        if self.hit("undeletable"):
            machine.deletable_at = now + self.chance.uniform(100, 900)
        self.machines[cloud_id] = machine
        return machine

    def tick(self, now: float) -> None:
        for machine in self.machines.values():
            if machine.status is Status.BUILD and now >= machine.fails_at:
                machine.status = Status.ERROR
            elif machine.status is Status.BUILD and now >= machine.active_at:
                machine.status = Status.ACTIVE

    def listing(self, now: float) -> CloudView | None:
        if now < self.locked_until or self.hit("list failed"):
            return None
        complete = not self.hit("list broke off")
        found: dict[str, tuple[Listed, ...]] = {}
        for machine in self.machines.values():
            if (
                machine.appears_at > now
                or self.hit("left out of the list")
                or (not complete and self.chance.random() < 0.5)
            ):
                continue
            uuid = machine.intent.uuid
            found[uuid] = (
                *found.get(uuid, ()),
                Listed(machine.cloud_id, uuid, "ours", machine.status, machine.intent.flavor),
            )
        return CloudView(found, now, complete)

    def delete(self, cloud_id: str, now: float) -> bool:
        if now < self.locked_until or self.hit("delete failed"):
            raise Ambiguous
        machine = self.machines.get(cloud_id)
        if machine is None:
            return True
        if now >= machine.deletable_at:
            del self.machines[cloud_id]
        return False
