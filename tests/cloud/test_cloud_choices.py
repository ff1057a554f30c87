"""What a provisioner makes of zones without room, and of flavors that the cloud may take away."""

from __future__ import annotations

import pytest

from tests.cloud.house import House, until
from tests.cloud.openstack import zones
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.visitor import Visitor
from tests.pool.gates import gates

pytestmark = pytest.mark.timeout(400)


def test_where_a_zone_is_full_the_next_one_is_used_and_kept(house: House, cloud: Cloud, biology: Visitor) -> None:
    with zones.full(cloud.place, "full"):
        house.describe("A", cloud.place, availability_zones=["full", "nova"])
        provisioner = house.start()
        alice = house.user()
        with gates() as held:
            jobs = [house.submit(alice, held.task("/go")) for _ in range(2)]
            until(
                lambda: held.waits["/go"] == 2, 240, lambda: ([alice.describe(job) for job in jobs], provisioner.said())
            )
            jobs.append(house.submit(alice, held.task("/go")))
            until(lambda: held.waits["/go"] == 3, 50, provisioner.said)  # a back-off would last for a minute
            servers = biology.nova.servers.list()
            assert {getattr(one, "OS-EXT-AZ:availability_zone") for one in servers} == {"nova"}
            held.open("/go")
        assert [alice.wait(job, seconds=120)["status"] for job in jobs] == ["completed"] * 3, provisioner.said()
        provisioner.stop()


def test_a_flavor_that_the_cloud_may_take_away_serves_those_alone_who_allow_it(house: House, cloud: Cloud) -> None:
    house.describe("A", cloud.place, flavors={"names": ["small"], "preemptible": ["small"]})
    provisioner = house.start()
    alice = house.user()
    strict = house.submit(alice)
    until(lambda: "preemptible" in str(alice.describe(strict).get("statusReason")), why=lambda: alice.describe(strict))
    assert house.records() == []
    lenient = house.submit(alice, policies={"preemptible": True})
    assert alice.wait(lenient, seconds=120)["execution"]["site"] == "A", provisioner.said()
    assert alice.describe(strict)["status"] == "idle"
    provisioner.stop()
