"""One cycle at sites whose clouds say what a test has written down."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from cloud_provisioner.amounts import Amount
from cloud_provisioner.daemon.clouds import Clouds
from cloud_provisioner.daemon.cycle import Cycle
from cloud_provisioner.daemon.place import Pace
from cloud_provisioner.daemon.register import Register
from cloud_provisioner.daemon.terms import Terms
from cloud_provisioner.drivers.contract import Order
from cloud_provisioner.metrics import Metrics
from cloud_provisioner.planning.decisions import Policy
from cloud_provisioner.servers.views import PoolView, Worker
from cloud_provisioner.sites import base
from tests.unit.cloud_provisioner.provisioner_loop import TIMES, AtOnce, Disk
from tests.unit.cloud_provisioner.test_daemon_place import ORDER, Driver

SIZE = Amount(2, 4096, 10_000)
NOW = 10_000.0
WITHOUT, BUSY = PoolView({}, 0.0), PoolView({"u": Worker(SIZE, SIZE, "id-1", jobs=1)}, 0.0)
Call = Callable[[], Any]


class Later(Executor):
    """An executor whose calls end when `end` is called."""

    def __init__(self) -> None:
        self.calls: list[tuple[Future[Any], Call]] = []

    def submit(self, call: Callable[..., Any], /, *words: Any, **named: Any) -> Future[Any]:
        self.calls.append((Future(), lambda: call(*words, **named)))
        return self.calls[-1][0]

    def end(self) -> None:
        for future, call in self.calls:
            future.set_result(call())
        self.calls.clear()


def one_cycle(
    driver: Driver,
    disk: Disk,
    *sites: base.Site,
    order: Callable[..., Order] = lambda *_: ORDER,
    calls: Executor | None = None,
    reads: Executor | None = None,
    **terms: Any,
) -> Cycle:
    """A cycle whose calls end at once, at these sites; `calls` makes creates and deletes instead, `reads` the rest."""

    def threads(_: int, name: str) -> Executor:
        return (calls if "call" in name else reads) or AtOnce()

    clouds = Clouds({}, nobody, Pace(2, 20, 60), lambda _: driver, threads)
    numbers = itertools.count()
    terms = {"times": TIMES, **terms}
    given = Terms(
        "ours", policy=Policy(), order=order, new_uuid=lambda: f"{next(numbers):032x}", may_act=lambda: True, **terms
    )
    cycle = Cycle(given, Register(disk, NOW), clouds, Metrics(), lambda _: None, lambda _: None)
    clouds.refresh(sites, cycle.register.intents.values())
    return cycle


def nobody(user: str) -> Any:
    """The rights of users, where none are to be asked for."""
    raise AssertionError(user)
