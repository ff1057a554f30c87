"""What a cycle makes of answers that come late, at times that overlap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloud_provisioner.daemon.cycle import Cycle
from cloud_provisioner.daemon.register import Register
from cloud_provisioner.daemon.terms import View
from cloud_provisioner.drivers.contract import CloudRefused, Offer, Order
from cloud_provisioner.planning.demand import Group, Needs
from cloud_provisioner.planning.places import Flavor, Limits
from cloud_provisioner.planning.reasons import Reason
from cloud_provisioner.servers import passing
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import CloudView, Listed, PoolView, Status, Worker
from cloud_provisioner.sites import base
from tests.unit.cloud_provisioner.one_cycle import BUSY, NOW, SIZE, WITHOUT, Later, one_cycle
from tests.unit.cloud_provisioner.provisioner_loop import TIMES, Disk, described
from tests.unit.cloud_provisioner.test_daemon_place import ORDER, Driver


def test_a_list_that_was_begun_before_a_delete_brings_no_record_back() -> None:
    server = Listed("id-1", "u", "ours", Status.ACTIVE, "m2")
    says = {"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits()), "delete": True}
    driver, readers = Driver(says=says), Later()
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, 0, 0, state=State.DELETING, cloud_id="id-1")})
    cycle = one_cycle(driver, disk, described("A"), reads=readers)
    worker = Worker(SIZE, SIZE, "id-1", draining=True)
    view = View((), PoolView({"u": worker}, 0.0))
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
    ticks = [0.0]
    cycle = one_cycle(driver, disk, described("A"), steady=lambda: ticks[0])
    silent, without = View((), None), View((), PoolView({}, 0.0))
    for at, view in ((0, None), (1, silent), (2, without), (3, silent)):
        ticks[0] = at
        cycle.run(view, frozenset(), (), NOW + at)
        assert not [one for one in driver.asked if one[0] == "delete"]
        assert not disk.past.troubles
    busy = View((), PoolView({"u": Worker(SIZE, SIZE, "id-1", jobs=1)}, 0.0))
    cycle.run(busy, frozenset(), (), NOW + 4)
    assert disk.intents["u"].state is State.READY


def _creates(driver: Driver) -> int:
    return sum(asked[0] == "create" for asked in driver.asked)


def test_a_refusal_for_quota_that_the_limits_do_not_show_keeps_creates_and_offers_away() -> None:
    refused = CloudRefused(Failure.QUOTA, "Maximum number of ports exceeded")
    offer = Offer((Flavor("m2", SIZE, SIZE),), Limits())
    driver = Driver(says={"listing": CloudView({}, NOW), "offer": offer, "create": refused})
    cycle = one_cycle(driver, Disk(), described("A"))
    waiting = Group("g", 1, Needs(1, 1, memory=10), "u", "", NOW)
    reasons = []
    for second in range(50):
        made = cycle.run(View((waiting,), PoolView({}, 0.0)), frozenset(), (), NOW + second)
        assert made is not None
        reasons.append(made.reasons[0].reason)
    assert _creates(driver) == 1
    assert sum(asked[0] == "offer" for asked in driver.asked) == 2
    assert set(reasons[4:]) == {Reason.QUOTA}


def test_after_a_wave_without_capacity_the_next_zone_is_tried_whatever_the_number_that_failed() -> None:
    refused = CloudRefused(Failure.CAPACITY, "No valid host was found.")
    offer = Offer((Flavor("m2", SIZE, SIZE),), Limits())
    driver = Driver(says={"listing": CloudView({}, NOW), "offer": offer, "create": refused})
    zones = []

    def ordered(*words: Any) -> Order:
        zones.append(words[-1])
        return ORDER

    cycle = one_cycle(driver, Disk(), described("A"), order=ordered)
    waiting = Group("g", 4, Needs(2, 2, memory=10), "u", "", NOW)
    for second in range(0, 400, 5):
        cycle.run(View((waiting,), PoolView({}, 0.0)), frozenset(), (), NOW + second)
    assert zones == [0, 0, 0, 0, 1, 2]


@pytest.mark.parametrize("sites", [[], [described("A", enabled=False)]], ids=["taken away", "switched off"])
def test_what_is_written_down_is_not_made_at_a_site_that_has_gone_since(sites: list[base.Site]) -> None:
    driver = Driver(says={"listing": CloudView({}, NOW), "offer": Offer((), Limits()), "create": "id-1"})
    disk = Disk({f"{number:032x}": Intent(f"{number:032x}", "A", "m2", SIZE, SIZE, NOW, NOW) for number in range(6)})
    cycle = one_cycle(driver, disk, described("A"))
    cycle.clouds.refresh(sites, cycle.register.intents.values())
    cycle.run(None, frozenset(), (), NOW)
    assert (_creates(driver), disk.intents) == (0, {})


def test_the_server_of_a_check_that_is_over_is_deleted_though_its_worker_is_in_the_pool() -> None:
    uuid = passing.new_uuid(NOW - 2 * passing.SLACK)
    server = Listed("id-1", uuid, passing.service_of("ours"), Status.ACTIVE, "m2")
    driver = Driver(says={"listing": CloudView({uuid: (server,)}, NOW), "offer": Offer((), Limits()), "delete": False})
    cycle = one_cycle(driver, Disk(), described("A"))
    cycle.run(View((), PoolView({uuid: Worker(SIZE, SIZE, "id-1")}, 0.0)), frozenset(), (), NOW)
    assert ("delete", "the service", "id-1") in driver.asked


@pytest.mark.parametrize(("allowed", "state"), [(50, State.DELETING), (5000, State.BUILDING)])
def test_a_cloud_has_the_time_of_its_description_to_make_a_server(allowed: float, state: State) -> None:
    server = Listed("id-1", "u", "ours", Status.BUILD, "m2")
    driver = Driver(says={"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits()), "delete": False})
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW, state=State.BUILDING, cloud_id="id-1")})
    cycle = one_cycle(driver, disk, described("A", boot_timeout=allowed), times=replace(TIMES, pool_settling=0))
    for seconds in (0, 51, 300):
        cycle.run(View((), WITHOUT), frozenset(), (), NOW + seconds)
    assert disk.intents["u"].state is state


@pytest.mark.parametrize("state", [State.ORPHANED, State.ABANDONED])
def test_what_was_never_seen_at_a_site_thatnobody_describes_is_forgotten_in_the_end(state: State) -> None:
    driver = Driver(says={"listing": CloudView({}, NOW), "offer": Offer((), Limits())})
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW, state=state)})
    cycle = one_cycle(driver, disk, described("B"))
    cycle.run(View((), PoolView({}, 0.0)), frozenset(), (), NOW + TIMES.orphaned)
    assert disk.intents["u"].state is state
    for second in range(2):
        cycle.run(View((), PoolView({}, 0.0)), frozenset(), (), NOW + (1 + second) * (TIMES.abandoned + 1))
    assert disk.intents == {}


def test_a_worker_that_takes_no_jobs_is_given_back_though_workers_are_kept_ready() -> None:
    server = Listed("id-1", "u", "ours", Status.ACTIVE, "m2")
    driver = Driver(says={"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits()), "delete": False})
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW, state=State.READY, cloud_id="id-1")})
    cycle = one_cycle(driver, disk, described("A", kept_ready=1))
    for second, jobs in enumerate((1, 0, 0)):
        worker = Worker(SIZE, SIZE, "id-1", jobs, draining=True)
        cycle.run(View((), PoolView({"u": worker}, 0.0)), frozenset(), (), NOW + second)
        assert (("delete", "the service", "id-1") in driver.asked) == (second == 2)


def test_a_refusal_that_comes_after_the_lease_was_had_anew_frees_what_was_reserved() -> None:
    refused = CloudRefused(Failure.CAPACITY, "no host")
    driver, calls = (
        Driver(says={"listing": CloudView({}, NOW), "offer": Offer((), Limits()), "create": refused}),
        Later(),
    )
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW)})
    before = one_cycle(driver, disk, described("A"), calls=calls)
    before.run(None, frozenset(), (), NOW)
    register = Register(disk, NOW + 1)
    after = Cycle(before.terms, register, before.clouds, before.metrics, before.drain, before.depart)
    after.run(None, frozenset(), (), NOW + 1)
    assert disk.intents["u"].state is State.ORPHANED
    calls.end()
    after.run(None, frozenset(), (), NOW + 2)
    assert disk.intents == {}
    assert disk.past.troubles


@pytest.mark.parametrize(
    "answer", ["id-1", CloudRefused(Failure.BAD_REQUEST, "no such image")], ids=["made", "refused"]
)
def test_what_comes_of_a_create_is_known_though_the_description_was_changed_meanwhile(answer: object) -> None:
    driver, calls = (
        Driver(says={"listing": CloudView({}, NOW), "offer": Offer((), Limits()), "create": answer}),
        Later(),
    )
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW)})
    cycle = one_cycle(driver, disk, described("A"), calls=calls)
    cycle.run(None, frozenset(), (), NOW)
    cycle.clouds.refresh([described("A", priority=1)], cycle.register.intents.values())
    calls.end()
    cycle.run(None, frozenset(), (), NOW + 1)
    states = [one.state for one in disk.intents.values()]
    assert states == ([State.BUILDING] if answer == "id-1" else [])


def _given_back(state: State) -> tuple[Cycle, Driver, Disk]:
    """What there is after an admin has asked for a server in this state; whatever the list shows is active."""
    server = Listed("id-1", "u", "ours", Status.ACTIVE, "m2")
    driver = Driver(
        says={"listing": CloudView({"u": (server,)}, NOW + 1), "offer": Offer((), Limits()), "delete": False}
    )
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW - 5, NOW - 5, state=state)})
    cycle = one_cycle(driver, disk, described("A"))
    cycle.run(None, frozenset(), ("u",), NOW)
    return cycle, driver, disk


NOT_YET = [State.SENDING, State.UNSURE, State.ORPHANED, State.ABANDONED, State.LOST]


@pytest.mark.parametrize("state", NOT_YET)
def test_what_an_admin_gives_back_is_drained_when_its_state_allows_it(state: State) -> None:
    cycle, driver, disk = _given_back(state)
    again = one_cycle(driver, disk, described("A"))
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


@pytest.mark.parametrize("record", [True, False], ids=["given back", "a leak"])
@pytest.mark.parametrize(("then", "waits", "sent"), [(BUSY, 1, False), (WITHOUT, 1, True), (WITHOUT, 15, False)])
def test_a_delete_that_waits_for_a_thread_is_sent_only_if_it_is_still_meant(
    then: PoolView, waits: float, sent: bool, record: bool
) -> None:
    lists = CloudView({"u": (Listed("id-1", "u", "ours", Status.ACTIVE, "m2"),)}, NOW + 100)
    driver = Driver(says={"listing": lists, "offer": Offer((), Limits()), "delete": False})
    intent = Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW, state=State.JOINING, cloud_id="id-1", unwanted=True)
    calls, ticks = Later(), [0.0]
    disk = Disk({"u": intent} if record else {})
    cycle = one_cycle(driver, disk, described("A"), calls=calls, steady=lambda: ticks[0])
    cycle.suspects["A"] = {"id-1": NOW}
    cycle.run(View((), WITHOUT), frozenset(), (), NOW + 1)
    assert len(calls.calls) == 1
    cycle.run(View((), then), frozenset(), (), NOW + 2)
    ticks[0] += waits
    calls.end()
    assert (("delete", "the service", "id-1") in driver.asked) == sent


def _no_order(*_: Any) -> Any:
    raise AssertionError("nothing is made here")
