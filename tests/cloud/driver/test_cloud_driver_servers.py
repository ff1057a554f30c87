"""What a real cloud offers, and the lives of servers there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from keystoneauth1.adapter import Adapter

from cloud_provisioner.amounts import Amount
from cloud_provisioner.drivers.contract import Account, CloudRefused, Order
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import Listed, Status
from tests.cloud.described import SERVICE, account, order
from tests.cloud.driver.driving import listed, refused, requests, until, wait
from tests.cloud.openstack import people
from tests.cloud.openstack.place import Place
from tests.cloud.openstack.rules import Orders

pytestmark = pytest.mark.timeout(300)


def test_what_a_project_has_to_offer(place: Place) -> None:
    offer = account(place, flavors={"min_memory_gb": 0}).offer()
    assert {one.name for one in offer.flavors} == {"small", "medium", "large", "xlarge", "gpu", "nowhere"}
    assert offer.notes == ("`flavors`: tiny is left out: it has 1 GB of disk, the image needs 4.",)
    assert offer.limits == Limits(servers=20, cores=64, memory=128 * 1024)
    small = next(one for one in offer.flavors if one.name == "small")
    assert (small.size, small.price) == (Amount(1, 2048, 10240), 0.5)
    assert small.room.cpus == 1
    assert 1500 < small.room.memory < 2048
    assert 4096 < small.room.disk < 6 * 1024


def test_flavors_are_selected_by_extra_specs(place: Place) -> None:
    specs = {"properties": {"aggregate_instance_extra_specs:gpu": "true"}}
    assert [one.name for one in account(place, flavors=specs).offer().flavors] == ["gpu"]


def test_the_newest_image_of_a_name_is_booted_or_the_one_with_a_property(place: Place, used: Account) -> None:
    older = account(place, image={"name": "prominence-worker", "properties": {"build": "1"}})
    booted = {}
    for at in (used, older):
        cloud_id = at.create(order())
        server = Adapter(people.member(place, "biology"), service_type="compute").get(f"/servers/{cloud_id}").json()
        image = server["server"]["image"]["id"]
        glance = Adapter(people.member(place, "biology"), service_type="image")
        booted[glance.get(f"/v2/images/{image}").json()["build"]] = cloud_id
    assert list(booted) == ["2", "1"]


def test_a_server_is_made_seen_and_deleted_with_one_request_each(used: Account, orders: Orders) -> None:
    used.offer()
    orders.forget()
    wanted = order()
    cloud_id = used.create(wanted)
    assert requests(orders) == ["POST /v2.1/servers"]
    first = listed(used, wanted)
    assert requests(orders) == ["GET /v2.1/servers/detail"]
    assert first == Listed(cloud_id, wanted.uuid, SERVICE, first.status if first else Status.BUILD, "small")
    until(used, wanted, Status.ACTIVE)
    orders.forget()
    assert used.delete(cloud_id) is False
    assert requests(orders) == [f"DELETE /v2.1/servers/{cloud_id}"]
    wait(lambda: used.delete(cloud_id))
    assert listed(used, wanted) is None


def test_a_server_that_no_host_takes_is_an_error_of_capacity(used: Account) -> None:
    wanted = order("nowhere")
    used.create(wanted)
    assert until(used, wanted, Status.ERROR).failure is Failure.CAPACITY


def test_a_server_whose_image_cannot_be_booted_is_an_error_for_the_admin(place: Place, used: Account) -> None:
    broken = account(place, image={"name": "broken"})
    wanted = order()
    broken.create(wanted)
    assert until(used, wanted, Status.ERROR).failure is Failure.BAD_REQUEST


REFUSALS = [
    # what is wrong                                    flavor       user data      the sentence begins with
    ({}, "tiny", "", "`flavors`: the cloud refuses a server (400, Flavor's memory is too small"),
    ({}, "no-such-flavor", "", "`flavors`: the cloud does not have the flavor no-such-flavor"),
    ({}, "small", "#" * 60_000, "the worker's script has 80000 bytes in base64"),
    ({"networks": []}, "small", "", "`networks`: the cloud refuses a server (409, Multiple possible networks"),
    ({"availability_zones": ["mars"]}, "small", "", "`availability_zones`: mars is no zone of the cloud's"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "flavor", "user_data", "begins"), REFUSALS)
def test_a_server_that_is_refused_names_the_key(
    place: Place, used: Account, more: dict[str, Any], flavor: str, user_data: str, begins: str
) -> None:
    wanted = order(flavor, user_data=user_data)
    failure, sentence = refused(lambda: account(place, **more).create(wanted))
    assert (failure, sentence[: len(begins)]) == (Failure.BAD_REQUEST, begins)
    assert listed(used, wanted) is None


PHYSICS = {"physics": {"project_name": "physics"}}


def test_what_the_quota_does_not_allow_is_refused(place: Place) -> None:
    physics = account(place, vo="physics", vos=PHYSICS)
    failure, sentence = refused(lambda: physics.create(order("xlarge", "physics")))
    assert (failure, "the project's quota is used up" in sentence) == (Failure.QUOTA, True)
    for wanted in (order("small", "physics"), order("small", "physics")):
        physics.create(wanted)
        until(physics, wanted, Status.ACTIVE)  # Nova counts a server once a host is chosen
    assert refused(lambda: physics.create(order("small", "physics")))[0] is Failure.QUOTA
    offer = physics.offer()
    assert (offer.used_servers, offer.used) == (2, Amount(2, 4096, 0))


def test_a_race_for_the_last_of_the_quota_ends_in_refusals_or_errors_of_that_class(place: Place) -> None:
    physics = account(place, vo="physics", vos=PHYSICS)
    physics.offer()
    wanted = [order("small", "physics") for _ in range(6)]

    def attempt(one: Order) -> Failure | None:
        try:
            physics.create(one)
        except CloudRefused as error:
            return error.failure
        return None

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, wanted))
    assert set(outcomes) <= {None, Failure.QUOTA}
    made = [one for one, outcome in zip(wanted, outcomes, strict=True) if outcome is None]

    def settled() -> bool:
        return all((found := listed(physics, one)) and found.status is not Status.BUILD for one in made)

    wait(settled)
    found = [one for wish in made if (one := listed(physics, wish))]
    assert {one.failure for one in found if one.status is Status.ERROR} <= {Failure.QUOTA}
    assert len([one for one in found if one.status is Status.ACTIVE]) <= 2
