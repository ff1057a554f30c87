"""A cloud and a pool for checks of sites, on a clock of their own, with the faults that a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloud_provisioner.amounts import Amount
from cloud_provisioner.drivers.contract import CloudAmbiguous, CloudRefused, Offer, Order, Probe
from cloud_provisioner.planning.places import Flavor, Limits
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import CloudView, Listed, Status
from pool.errand import Errand

if TYPE_CHECKING:
    from pool.head import Collecting

SMALL = Flavor("small", Amount(1, 2048, 10_000), Amount(1, 1800, 8_000), price=1)
LARGE = Flavor("large", Amount(8, 16_384, 10_000), Amount(8, 16_000, 8_000), price=8)
OFFER = Offer((LARGE, SMALL), Limits(10, 20, 40_960), Amount(4, 8192, 0), 2)
Says = Exception | None


@dataclass
class Time:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def refused(failure: Failure = Failure.BAD_REQUEST, sentence: str = "`image`: there is none.") -> CloudRefused:
    return CloudRefused(failure, sentence)


@dataclass
class CheckedCloud:
    """An account. Servers become active `boots` seconds after their create call and go `goes` seconds after the first delete.

    `create_says` is raised by create calls, with `makes` after the server was made; lists fail with what `list_fails` gives.
    """

    time: Time = field(default_factory=Time)
    boots: float = 30
    goes: float = 10
    shows: float = 0
    """Seconds until a server is in lists."""
    create_says: BaseException | None = None
    makes: bool = True
    ends_as: Status = Status.ACTIVE
    offers: Offer | Exception = OFFER
    list_fails: Callable[[], Says] = lambda: None
    complete: bool = True
    others: tuple[Listed, ...] = ()
    made: dict[str, tuple[Order, float]] = field(default_factory=dict)
    going: dict[str, float] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    def offer(self) -> Offer:
        if isinstance(self.offers, Exception):
            raise self.offers
        return self.offers

    def listing(self, begun_at: float) -> CloudView:
        failure = self.list_fails()
        if failure is not None:
            raise failure
        found: dict[str, tuple[Listed, ...]] = {}
        for one in (*self.others, *self._ours()):
            found[one.uuid] = (*found.get(one.uuid, ()), one)
        return CloudView(found, begun_at, self.complete)

    def _ours(self) -> Iterable[Listed]:
        for cloud_id, (order, at) in self.made.items():
            if self.time.now >= at + self.shows and not self._gone(cloud_id):
                status = self.ends_as if self.time.now >= at + self.boots else Status.BUILD
                yield Listed(cloud_id, order.uuid, order.service, status, order.flavor)

    def create(self, order: Order) -> str:
        cloud_id = f"c-{len(self.made)}"
        if self.makes:
            self.made[cloud_id] = order, self.time.now
        if self.create_says is not None:
            raise self.create_says
        return cloud_id

    def delete(self, cloud_id: str) -> bool:
        self.deleted.append(cloud_id)
        self.going.setdefault(cloud_id, self.time.now)
        return self._gone(cloud_id)

    def _gone(self, cloud_id: str) -> bool:
        return cloud_id in self.going and self.time.now >= self.going[cloud_id] + self.goes

    def close(self) -> None:
        """Nothing is kept open."""


class ProbedCloud(CheckedCloud):
    """One whose driver has pieces to be tried."""

    def probe(self, vo: str) -> Sequence[Probe]:
        def image() -> str:
            raise refused()

        return Probe("credential", lambda: f"signed in for {vo}"), Probe("image", image)


@dataclass
class CheckedPool:
    """A pool in which the worker on a server is seen from `joins` seconds on; its job stands as `errands` say, one after the
    other, the last one for ever."""

    time: Time
    uuid: str
    joins: float = 20
    errands: list[Errand] = field(default_factory=lambda: [Errand(), Errand(host="slot1"), Errand(True, 0)])
    sent: list[tuple[str, str, float]] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    invalidated: list[str] = field(default_factory=list)

    def check(self) -> None:
        """It answers."""

    def collected(self, now: float) -> Collecting:
        ads: list[dict[str, Any]] = [{"Name": "slot1@other", "AuthenticatedIdentity": "worker-other@p"}]
        if self.time.now >= self.joins:
            identity = f"worker-for-provisioner+vo-site-check+{self.uuid}@p"
            ads.append(
                {"Name": "slot1@here", "AuthenticatedIdentity": identity, "TotalSlotCpus": 1, "TotalSlotMemory": 9}
            )

        class Found:
            slots = ads

        return Found()  # type: ignore[return-value]

    def send(self, server: str, identity: str, until: float) -> int:
        self.sent.append((server, identity, until))
        return 77

    def errand(self, number: int) -> Errand:
        assert number == 77
        return self.errands.pop(0) if len(self.errands) > 1 else self.errands[0]

    def remove(self, ids: Sequence[int], reason: str) -> int:
        self.removed += ids
        return len(ids)

    def invalidate(self, servers: Iterable[str]) -> None:
        self.invalidated += servers


AMBIGUOUS = CloudAmbiguous("The cloud has not answered.")
