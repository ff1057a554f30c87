"""A real cloud whose answers are lost, late, cut or none of its own."""

from __future__ import annotations

import pytest

from cloud_provisioner.drivers.contract import Account, CloudAmbiguous
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import Status
from tests.cloud.described import account, order
from tests.cloud.driver.driving import listed, refused, requests, until, wait
from tests.cloud.openstack.hypervisor import Fault, set_faults
from tests.cloud.openstack.place import Place
from tests.cloud.openstack.rules import CREATE, DELETE, HTML, LIST, Orders, Rule

pytestmark = pytest.mark.timeout(300)


IN_DOUBT = [
    Rule(**CREATE, status=503, times=1),
    Rule(**CREATE, cut=True, times=1),
    Rule(**CREATE, half=True, times=1),
    Rule(**CREATE, status=202, times=1, **HTML),
    Rule(**CREATE, after=4, times=1),
]


@pytest.mark.parametrize("rule", IN_DOUBT, ids=["503", "cut", "half", "html", "late"])
def test_a_server_that_was_made_without_a_word_is_in_doubt_and_found(
    place: Place, used: Account, orders: Orders, rule: Rule
) -> None:
    hasty = account(place, patience=2)
    hasty.offer()
    orders.rules(rule)
    orders.forget()
    wanted = order()
    with pytest.raises(CloudAmbiguous):
        hasty.create(wanted)
    wait(lambda: listed(used, wanted) is not None)
    assert orders.used() == [1]
    wait(lambda: "POST /v2.1/servers" in [f"{one.method} {one.path}" for one in orders.requests()])
    assert requests(orders).count("POST /v2.1/servers") == 1


def test_a_server_that_appears_long_after_the_time_out_is_found_then(
    place: Place, used: Account, orders: Orders
) -> None:
    hasty = account(place, patience=2)
    hasty.offer()
    orders.rules(Rule(**CREATE, before=5, times=1))
    wanted = order()
    with pytest.raises(CloudAmbiguous):
        hasty.create(wanted)
    assert listed(used, wanted) is None
    wait(lambda: listed(used, wanted) is not None)


REFUSED = [
    (Rule(**CREATE, pass_on=False, status=429, headers={"Retry-After": "3"}), Failure.BUSY),
    (Rule(**CREATE, pass_on=False, status=403, **HTML), Failure.BAD_REQUEST),
    (Rule(service="identity", pass_on=False, status=503), Failure.BUSY),
    (Rule(service="identity", pass_on=False, cut=True), Failure.BUSY),
]


@pytest.mark.parametrize(("rule", "failure"), REFUSED, ids=["429", "403", "keystone-503", "keystone-cut"])
def test_a_refused_create_makes_nothing(
    place: Place, used: Account, orders: Orders, rule: Rule, failure: Failure
) -> None:
    fresh = account(place)
    if rule.service == "compute":
        fresh.offer()
    orders.rules(rule)
    wanted = order()
    assert refused(lambda: fresh.create(wanted))[0] is failure
    orders.rules()
    assert listed(used, wanted) is None


LISTS = [
    (Rule(**LIST, pass_on=False, status=429), Failure.BUSY),
    (Rule(**LIST, half=True), Failure.BUSY),
    (Rule(**LIST, cut=True), Failure.BUSY),
    (Rule(**LIST, status=503), Failure.BUSY),
    (Rule(**LIST, before=4), Failure.BUSY),
    (Rule(**LIST, status=200, **HTML), Failure.BAD_REQUEST),
]


@pytest.mark.parametrize(("rule", "failure"), LISTS, ids=["429", "half", "cut", "503", "late", "html"])
def test_a_list_that_is_not_whole_is_none(place: Place, orders: Orders, rule: Rule, failure: Failure) -> None:
    hasty = account(place, patience=2)
    hasty.offer()
    orders.rules(rule)
    assert refused(lambda: hasty.listing(0))[0] is failure
    orders.rules()
    assert hasty.listing(0).complete


def test_a_delete_without_a_word_is_in_doubt_and_can_be_repeated(used: Account, orders: Orders) -> None:
    wanted = order()
    cloud_id = used.create(wanted)
    until(used, wanted, Status.ACTIVE)
    orders.rules(Rule(**DELETE, status=503, times=1), Rule(**DELETE, pass_on=False, status=404, times=1, **HTML))
    with pytest.raises(CloudAmbiguous):
        used.delete(cloud_id)
    assert refused(lambda: used.delete(cloud_id))[0] is Failure.BAD_REQUEST, "a 404, but not Nova's"
    wait(lambda: used.delete(cloud_id))


def test_a_server_that_is_stuck_in_its_building_can_be_deleted(place: Place, used: Account, orders: Orders) -> None:
    set_faults(place, Fault("build", "hang", times=1))
    wanted = order()
    cloud_id = used.create(wanted)
    until(used, wanted, Status.BUILD)
    wait(lambda: used.delete(cloud_id))
    assert listed(used, wanted) is None


def test_a_server_that_cannot_be_deleted_stays_in_the_list(place: Place, used: Account, orders: Orders) -> None:
    wanted = order()
    cloud_id = used.create(wanted)
    until(used, wanted, Status.ACTIVE)
    set_faults(place, Fault("delete", "fail"))
    assert used.delete(cloud_id) is False
    until(used, wanted, Status.ERROR)
    set_faults(place)
    wait(lambda: used.delete(cloud_id))
