"""Availability zones of a real cloud: another than `nova`, one that has gone, one that is full."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloud_provisioner.drivers.contract import Account, Order, Probing
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import Status
from tests.cloud.described import account, order
from tests.cloud.driver.driving import refused, until
from tests.cloud.openstack import people, zones
from tests.cloud.openstack.place import Place
from tests.cloud.visitor import Visitor

pytestmark = pytest.mark.timeout(300)


def _zone(place: Place, cloud_id: str) -> str:
    server = Visitor(place, people.member(place, "biology")).nova.servers.get(cloud_id)
    return str(getattr(server, "OS-EXT-AZ:availability_zone"))


def _made(used: Account, wanted: Order) -> str:
    cloud_id = used.create(wanted)
    assert until(used, wanted, Status.ACTIVE).cloud_id == cloud_id
    return cloud_id


def _zones(used: Account) -> str:
    assert isinstance(used, Probing)
    return next(probe for probe in used.probe("biology") if probe.name == "zones").run()


def test_servers_are_made_in_the_zone_that_is_said(place: Place) -> None:
    with zones.moved(place, "az2"):
        used = account(place, availability_zones=["az2"])
        assert (_zones(used), used.offer().notes) == ("az2", ())
        assert _zone(place, _made(used, order())) == "az2"


def test_where_no_zone_is_said_the_cloud_chooses(place: Place, used: Account) -> None:
    with zones.moved(place, "az2"):
        assert _zone(place, _made(used, order())) == "az2"


def test_a_zone_that_has_gone_is_told_and_the_others_are_used(place: Place) -> None:
    used = account(place, availability_zones=["nova", "az2"])
    with zones.moved(place, "az2"):
        (note,) = used.offer().notes
        assert note.startswith("`availability_zones`: nova is no zone")
        assert _zone(place, _made(used, order())) == "az2"


def test_a_zone_that_goes_between_the_looking_up_and_the_create_costs_one_attempt(place: Place) -> None:
    used, alone = (account(place, availability_zones=names) for names in (["nova", "az2"], ["nova"]))
    for one in (used, alone):
        one.offer()
    with zones.moved(place, "az2"):
        assert refused(lambda: used.create(order()))[0] is Failure.CAPACITY, "the next zone may do"
        assert _zone(place, _made(used, replace(order(), zone=1))) == "az2"
        assert refused(lambda: alone.create(order()))[0] is Failure.BAD_REQUEST
        failure, sentence = refused(alone.offer)
        assert (failure, sentence.partition(": ")[0]) == (Failure.BAD_REQUEST, "`availability_zones`")


def test_a_zone_without_room_is_an_error_of_capacity_and_the_next_one_serves(place: Place) -> None:
    with zones.full(place, "full"):
        used = account(place, availability_zones=["full", "nova"])
        assert _zones(used) == "full, nova"
        wanted = order()
        used.create(wanted)
        assert until(used, wanted, Status.ERROR).failure is Failure.CAPACITY
        assert _zone(place, _made(used, replace(order(), zone=1))) == "nova"
