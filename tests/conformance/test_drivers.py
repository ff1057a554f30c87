"""What every driver promises (cloud_provisioner/drivers/contract.py), tried on a cloud of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import pytest

from cloud_provisioner.drivers.contract import CloudRefused, Probing
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import Status
from tests.conformance.conftest import SERVICE, Stage

pytestmark = pytest.mark.timeout(300)


def test_an_offer_has_flavors_on_which_a_job_fits(stage: Stage) -> None:
    offer = stage.account.offer()
    assert offer.flavors
    assert len({flavor.name for flavor in offer.flavors}) == len(offer.flavors)
    for flavor in offer.flavors:
        assert flavor.size.cpus >= flavor.room.cpus >= 1
        assert flavor.size.memory >= flavor.room.memory > 0
        assert flavor.room.disk > 0
    for limit, used in ((offer.limits.servers, offer.used_servers), (offer.limits.cores, offer.used.cpus)):
        assert limit is None or limit > used


def test_where_there_is_an_offer_each_piece_of_it_works_by_itself(stage: Stage) -> None:
    assert isinstance(stage.account, Probing)
    pieces = stage.account.probe(stage.cloud.vo)
    assert len({one.name for one in pieces}) == len(pieces) > 0
    assert all(one.run() and one.name.isidentifier() for one in pieces)


def test_what_is_made_counts_against_the_quota(stage: Stage) -> None:
    before = stage.account.offer()
    order = stage.order()
    flavor = next(one for one in before.flavors if one.name == order.flavor)
    stage.account.create(order)
    # A cloud may count a server only once it has found a host for it.
    stage.wait(lambda: stage.account.offer().used_servers == before.used_servers + 1)
    assert stage.account.offer().used.cpus == before.used.cpus + flavor.size.cpus


def test_a_server_is_listed_by_its_uuid_becomes_active_and_is_gone_when_deleted(stage: Stage) -> None:
    order = stage.order()
    assert stage.listed(order.uuid) == ()
    cloud_id = stage.account.create(order)
    (first,) = stage.listed(order.uuid)
    assert first.status in (Status.BUILD, Status.ACTIVE)
    active = stage.until(order.uuid, Status.ACTIVE)
    assert (active.cloud_id, active.uuid, active.service, active.flavor, active.failure) == (
        cloud_id,
        order.uuid,
        SERVICE,
        order.flavor,
        None,
    )
    stage.end(cloud_id)
    assert stage.listed(order.uuid) == ()


def test_deleting_again_and_what_never_was_is_done_already(stage: Stage) -> None:
    cloud_id = stage.account.create(stage.order())
    stage.end(cloud_id)
    assert stage.account.delete(cloud_id)
    never = cloud_id[:-1] + ("0" if cloud_id[-1] != "0" else "1")
    assert stage.account.delete(never)


@pytest.mark.parametrize("forged", ["", ".", "..", "../..", "/", "a/b", "x" * 300, "é\0"])
def test_an_id_that_no_server_can_have_touches_nothing(stage: Stage, forged: str) -> None:
    order = stage.order()
    stage.account.create(order)
    stage.until(order.uuid, Status.ACTIVE)
    assert stage.account.delete(forged)
    assert [one.status for one in stage.listed(order.uuid)] == [Status.ACTIVE]


def test_a_server_can_be_deleted_at_once(stage: Stage) -> None:
    order = stage.order()
    stage.end(stage.account.create(order))
    assert stage.listed(order.uuid) == ()


def test_a_server_that_powers_itself_off_is_stopped_and_can_be_deleted(stage: Stage) -> None:
    order = stage.order(stage.cloud.mortal)
    cloud_id = stage.account.create(order)
    stage.until(order.uuid, Status.STOPPED)
    stage.end(cloud_id)
    assert stage.listed(order.uuid) == ()


def test_two_servers_of_one_uuid_are_both_seen_or_the_second_is_refused(stage: Stage) -> None:
    order = stage.order()
    made = {stage.account.create(order)}
    with suppress(CloudRefused):
        made.add(stage.account.create(order))
    assert {one.cloud_id for one in stage.listed(order.uuid)} == made
    for cloud_id in made:
        stage.end(cloud_id)
    assert stage.listed(order.uuid) == ()


def test_a_flavor_that_there_is_not_is_a_bad_request_and_makes_nothing(stage: Stage) -> None:
    order = stage.order(flavor="no-such-flavor")
    with pytest.raises(CloudRefused) as raised:
        stage.account.create(order)
    assert raised.value.failure is Failure.BAD_REQUEST
    assert stage.listed(order.uuid) == ()


def test_servers_made_and_deleted_at_once_do_not_disturb_each_other(stage: Stage) -> None:
    orders = [replace(stage.order(), uuid=uuid4().hex) for _ in range(6)]
    with ThreadPoolExecutor(len(orders)) as pool:
        ids = list(pool.map(stage.account.create, orders))
        assert len(set(ids)) == len(orders)
        for order, cloud_id in zip(orders, ids, strict=True):
            assert stage.until(order.uuid, Status.ACTIVE).cloud_id == cloud_id
        list(pool.map(stage.end, ids[:3]))
    there = stage.account.listing(0.0).servers
    assert {order.uuid for order in orders} & set(there) == {order.uuid for order in orders[3:]}


def test_a_list_says_when_it_was_begun(stage: Stage) -> None:
    assert stage.account.listing(1234.5).begun_at == 1234.5


def test_another_connection_sees_and_deletes_what_the_first_has_made(stage: Stage) -> None:
    order = stage.order()
    cloud_id = stage.account.create(order)
    stage.account.close()
    stage.account = stage.cloud.connect()
    stage.until(order.uuid, Status.ACTIVE)
    stage.end(cloud_id)
    assert stage.listed(order.uuid) == ()
