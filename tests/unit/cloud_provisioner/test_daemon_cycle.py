"""What a cycle makes of answers that come late, at times that overlap."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.daemon.clouds import Clouds
from cloud_provisioner.daemon.cycle import Cycle, Terms, View
from cloud_provisioner.daemon.place import Pace
from cloud_provisioner.daemon.register import Register
from cloud_provisioner.drivers.contract import CloudRefused, Offer
from cloud_provisioner.metrics import Metrics
from cloud_provisioner.planning.decisions import Policy
from cloud_provisioner.planning.demand import Group, Needs
from cloud_provisioner.planning.places import Flavor, Limits
from cloud_provisioner.planning.reasons import Reason
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import CloudView, Listed, PoolView, Status, Worker
from cloud_provisioner.sites import base
from tests.unit.cloud_provisioner.provisioner_loop import TIMES, AtOnce, Disk, described
from tests.unit.cloud_provisioner.test_daemon_place import ORDER, Driver

SIZE = Amount(2, 4096, 10_000)
NOW = 10_000.0
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


def test_a_list_that_was_begun_before_a_delete_brings_no_record_back() -> None:
    server = Listed("id-1", "u", "ours", Status.ACTIVE, "m2")
    says = {"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits()), "delete": True}
    driver, readers = Driver(says=says), Later()
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, 0, 0, state=State.DELETING, cloud_id="id-1")})
    clouds = Clouds(
        {}, _nobody, Pace(2, 20, 60), lambda _: driver, lambda _, name: readers if "read" in name else AtOnce()
    )
    drained: list[str] = []
    terms = Terms("ours", TIMES, Policy(), _no_order, lambda: "new", lambda: True)
    cycle = Cycle(terms, Register(disk, NOW), clouds, Metrics(), drained.extend, lambda _: None)
    worker = Worker(SIZE, SIZE, "id-1", draining=True)
    view = View((), PoolView({"u": worker}, 0.0))
    clouds.refresh([described("A")], cycle.register.intents.values())
    cycle.run(view, frozenset(), (), NOW)
    assert ("delete", "the service", "id-1") in driver.asked
    readers.end()
    cycle.run(replace(view), frozenset(), (), NOW + 1)
    assert dict(cycle.register.intents) == disk.intents == {}


@pytest.mark.parametrize("state", [State.BUILDING, State.JOINING, State.LOST])
def test_after_a_long_pause_no_server_is_deleted_before_the_pool_was_asked(state: State) -> None:
    server = Listed("id-1", "u", "ours", Status.ACTIVE, "m2")
    driver = Driver(says={"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits()), "delete": False})
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, 0, 0, state=state, cloud_id="id-1")})
    clouds = Clouds({}, _nobody, Pace(2, 20, 60), lambda _: driver, AtOnce)
    ticks = [0.0]
    terms = Terms("ours", TIMES, Policy(), _no_order, lambda: "new", lambda: True, steady=lambda: ticks[0])
    cycle = Cycle(terms, Register(disk, NOW), clouds, Metrics(), lambda _: None, lambda _: None)
    clouds.refresh([described("A")], cycle.register.intents.values())
    silent, without = View((), None), View((), PoolView({}, 0.0))
    for at, view in ((0, None), (1, silent), (2, without), (3, silent)):
        ticks[0] = at
        cycle.run(view, frozenset(), (), NOW + at)
        assert not [one for one in driver.asked if one[0] == "delete"]
        assert not disk.past.troubles
    busy = View((), PoolView({"u": Worker(SIZE, SIZE, "id-1", jobs=1)}, 0.0))
    cycle.run(busy, frozenset(), (), NOW + 4)
    assert disk.intents["u"].state is State.READY


def _cycle(driver: Driver, disk: Disk, *sites: base.Site) -> Cycle:
    """A cycle whose calls end at once, at these sites."""
    clouds = Clouds({}, _nobody, Pace(2, 20, 60), lambda _: driver, AtOnce)
    numbers = itertools.count()
    terms = Terms("ours", TIMES, Policy(), lambda *_: ORDER, lambda: f"{next(numbers):032x}", lambda: True)
    cycle = Cycle(terms, Register(disk, NOW), clouds, Metrics(), lambda _: None, lambda _: None)
    clouds.refresh(sites, cycle.register.intents.values())
    return cycle


def _creates(driver: Driver) -> int:
    return sum(asked[0] == "create" for asked in driver.asked)


def test_a_refusal_for_quota_that_the_limits_do_not_show_keeps_creates_and_offers_away() -> None:
    refused = CloudRefused(Failure.QUOTA, "Maximum number of ports exceeded")
    offer = Offer((Flavor("m2", SIZE, SIZE),), Limits())
    driver = Driver(says={"listing": CloudView({}, NOW), "offer": offer, "create": refused})
    cycle = _cycle(driver, Disk(), described("A"))
    waiting = Group("g", 1, Needs(1, 1, memory=10), "u", "", NOW)
    reasons = []
    for second in range(50):
        made = cycle.run(View((waiting,), PoolView({}, 0.0)), frozenset(), (), NOW + second)
        assert made is not None
        reasons.append(made.reasons[0].reason)
    assert _creates(driver) == 1
    assert sum(asked[0] == "offer" for asked in driver.asked) == 2
    assert set(reasons[4:]) == {Reason.QUOTA}


@pytest.mark.parametrize("sites", [[], [described("A", enabled=False)]], ids=["taken away", "switched off"])
def test_what_is_written_down_is_not_made_at_a_site_that_has_gone_since(sites: list[base.Site]) -> None:
    driver = Driver(says={"listing": CloudView({}, NOW), "offer": Offer((), Limits()), "create": "id-1"})
    disk = Disk({f"{number:032x}": Intent(f"{number:032x}", "A", "m2", SIZE, SIZE, NOW, NOW) for number in range(6)})
    cycle = _cycle(driver, disk, described("A"))
    cycle.clouds.refresh(sites, cycle.register.intents.values())
    cycle.run(None, frozenset(), (), NOW)
    assert (_creates(driver), disk.intents) == (0, {})


@pytest.mark.parametrize("service", ["ours", "theirs"])
def test_a_server_of_a_place_that_is_called_otherwise_now_belongs_to_the_one_that_lists_it(service: str) -> None:
    server = Listed("id-1", "u", service, Status.ACTIVE, "m2")
    driver = Driver(says={"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits()), "delete": True})
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW, state=State.DELETING, cloud_id="id-1")})
    cycle = _cycle(driver, disk, described("B"))
    for second in range(3):
        cycle.run(View((), PoolView({}, 0.0)), frozenset(), (), NOW + second)
    if service == "ours":
        assert ("delete", "the service", "id-1") in driver.asked
        assert disk.intents == {}
    else:
        assert disk.intents["u"].site == "A"


def test_a_site_that_is_renamed_while_its_servers_run_has_them_under_the_new_name_alone() -> None:
    server = Listed("id-1", "u", "ours", Status.ACTIVE, "m2")
    driver = Driver(says={"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits()), "delete": False})
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW, state=State.READY, cloud_id="id-1")})
    cycle = _cycle(driver, disk, described("A"))
    busy = View((), PoolView({"u": Worker(SIZE, SIZE, "id-1", jobs=1)}, 0.0))
    for second, name in enumerate("AABBBB"):
        cycle.clouds.refresh([described(name)], cycle.register.intents.values())
        cycle.run(busy, frozenset(), (), NOW + second)
    assert disk.intents["u"].site == "B"
    assert disk.intents["u"].state is State.DRAINING, "its worker bears the old name"
    assert [place.name for place in cycle.clouds] == ["B"]


def test_a_server_that_is_just_being_asked_for_stays_at_the_place_that_asks() -> None:
    server = Listed("id-1", "u", "ours", Status.ACTIVE, "m2")
    lists = Driver(says={"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits())})
    asks = Driver(says={"listing": CloudView({}, NOW), "offer": Offer((), Limits())})
    cycle = _cycle(asks, Disk(), described("A"))
    cycle.clouds.driver_of = lambda site: asks if site.name == "A" else lists
    cycle.register.add([Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW, state=State.SENDING)])
    for name in "AB":
        cycle.clouds.refresh([described(name)], cycle.register.intents.values())
        cycle.run(View((), PoolView({}, 0.0)), frozenset(), (), NOW + 1)
    assert cycle.register.intents["u"].site == "A"


def _given_back(state: State) -> tuple[Cycle, Driver, Disk]:
    """What there is after an admin has asked for a server in this state; whatever the list shows is active."""
    server = Listed("id-1", "u", "ours", Status.ACTIVE, "m2")
    driver = Driver(
        says={"listing": CloudView({"u": (server,)}, NOW + 1), "offer": Offer((), Limits()), "delete": False}
    )
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW - 5, NOW - 5, state=state)})
    cycle = _cycle(driver, disk, described("A"))
    cycle.run(None, frozenset(), ("u",), NOW)
    return cycle, driver, disk


NOT_YET = [State.SENDING, State.UNSURE, State.ORPHANED, State.ABANDONED, State.LOST]


@pytest.mark.parametrize("state", NOT_YET)
def test_what_an_admin_gives_back_is_drained_when_its_state_allows_it(state: State) -> None:
    cycle, driver, disk = _given_back(state)
    again = _cycle(driver, disk, described("A"))
    for process in (cycle, again):
        assert process.register.intents["u"].unwanted
    joined = View((), PoolView({"u": Worker(SIZE, SIZE, "id-1", jobs=1)}, 0.0))
    again.run(joined, frozenset(), (), NOW + 2)
    assert disk.intents["u"].state is State.DRAINING


@pytest.mark.parametrize("state", [State.UNSURE, State.ABANDONED, State.BUILDING, State.JOINING])
def test_what_an_admin_gives_back_is_deleted_when_the_pool_says_that_it_has_not_joined(state: State) -> None:
    cycle, driver, disk = _given_back(state)
    cycle.run(View((), PoolView({}, NOW)), frozenset(), (), NOW + 3)
    assert ("delete", "the service", "id-1") not in driver.asked
    cycle.run(View((), PoolView({}, 0.0)), frozenset(), (), NOW + 6)
    assert disk.intents["u"].state is State.DELETING
    assert ("delete", "the service", "id-1") in driver.asked


def _nobody(user: str) -> Any:
    raise AssertionError(user)


def _no_order(*_: Any) -> Any:
    raise AssertionError("nothing is made here")
