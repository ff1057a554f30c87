"""To whom servers belong when sites are renamed, split, swapped or taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloud_provisioner.daemon.place import Pace
from cloud_provisioner.daemon.terms import View
from cloud_provisioner.drivers.contract import Offer
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import CloudView, Listed, PoolView, Status, Worker
from tests.unit.cloud_provisioner.one_cycle import BUSY, NOW, SIZE, WITHOUT, Later, one_cycle
from tests.unit.cloud_provisioner.provisioner_loop import Disk, described
from tests.unit.cloud_provisioner.test_daemon_place import Driver


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


@pytest.mark.parametrize("service", ["ours", "theirs"])
def test_a_server_of_a_place_that_is_called_otherwise_now_belongs_to_the_one_that_lists_it(service: str) -> None:
    server = Listed("id-1", "u", service, Status.ACTIVE, "m2")
    driver = Driver(says={"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits()), "delete": True})
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW, state=State.DELETING, cloud_id="id-1")})
    cycle = one_cycle(driver, disk, described("B"))
    for second in range(3):
        cycle.run(View((), PoolView({}, 0.0)), frozenset(), (), NOW + second)
    if service == "ours":
        assert ("delete", "the service", "id-1") in driver.asked
        assert disk.intents == {}
    else:
        assert disk.intents["u"].site == "A"


@pytest.mark.parametrize(("old", "becomes"), [("A", State.DRAINING), ("B/vo", State.READY)])
def test_a_worker_that_goes_by_the_old_name_of_its_site_is_given_back(old: str, becomes: State) -> None:
    server = Listed("id-1", "u", "ours", Status.ACTIVE, "m2")
    driver = Driver(says={"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits())})
    disk = Disk({"u": Intent("u", old, "m2", SIZE, SIZE, NOW, NOW, state=State.READY, cloud_id="id-1")})
    cycle = one_cycle(driver, disk, described("B"))
    for second in range(3):
        cycle.run(View((), BUSY), frozenset(), (), NOW + second)
    assert disk.intents["u"].site == "B"
    assert disk.intents["u"].state is becomes


def test_a_server_whose_sites_name_is_another_sites_now_belongs_to_the_place_that_lists_it() -> None:
    drivers = {name: Driver(says={"offer": Offer((), Limits()), "delete": False}) for name in ("one", "two")}
    disk = Disk({"u": Intent("u", "B", "m2", SIZE, SIZE, NOW, NOW, state=State.JOINING, cloud_id="id-1")})
    cycle = one_cycle(drivers["one"], disk)
    cycle.clouds.driver_of, cycle.clouds.pace = (lambda site: drivers[site.region or ""]), Pace(0, 0, 60)
    cycle.clouds.refresh([described("A", region="two"), described("B", region="one")], cycle.register.intents.values())
    there = (Listed("id-1", "u", "ours", Status.ACTIVE, "m2"),)
    for second in range(0, 50, 10):
        drivers["one"].says["listing"] = CloudView({}, NOW + second)
        drivers["two"].says["listing"] = CloudView({"u": there}, NOW + second)
        cycle.run(View((), replace(WITHOUT, up_since=NOW)), frozenset(), (), NOW + second)
        assert disk.intents["u"].state is State.JOINING
    assert (disk.intents["u"].site, disk.intents["u"].unwanted) == ("A", True)


def test_a_site_that_is_renamed_while_its_servers_run_has_them_under_the_new_name_alone() -> None:
    server = Listed("id-1", "u", "ours", Status.ACTIVE, "m2")
    driver = Driver(says={"listing": CloudView({"u": (server,)}, NOW), "offer": Offer((), Limits()), "delete": False})
    disk = Disk({"u": Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW, state=State.READY, cloud_id="id-1")})
    cycle = one_cycle(driver, disk, described("A"))
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
    cycle = one_cycle(asks, Disk(), described("A"))
    cycle.clouds.driver_of = lambda site: asks if site.name == "A" else lists
    cycle.register.add([Intent("u", "A", "m2", SIZE, SIZE, NOW, NOW, state=State.SENDING)])
    for name in "AB":
        cycle.clouds.refresh([described(name)], cycle.register.intents.values())
        cycle.run(View((), PoolView({}, 0.0)), frozenset(), (), NOW + 1)
    assert cycle.register.intents["u"].site == "A"
