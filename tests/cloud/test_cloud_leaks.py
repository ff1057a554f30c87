"""Servers without a record, servers of others, workers whose service has vanished; and how often a cloud is asked."""

from __future__ import annotations

import math
import time
from itertools import pairwise
from uuid import uuid4

import pytest

from cloud_provisioner.settings import PaceSettings, TimeSettings
from deploy import nodes, provisioner
from tests.cloud import gangs
from tests.cloud.deaf import Scene, scene
from tests.cloud.house import SERVICE, House, until
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.hypervisor import Fault, set_faults
from tests.cloud.visitor import Visitor

__all__ = ["scene"]

pytestmark = pytest.mark.timeout(400)


def metadata(service: str) -> dict[str, str]:
    return {"prominence-server": uuid4().hex, "prominence-service": service, "prominence-flavor": "small"}


def test_a_server_of_ours_without_a_record_is_deleted_and_those_of_others_are_not(
    house: House, cloud: Cloud, biology: Visitor
) -> None:
    house.describe("A", cloud.place)
    running = house.start()
    until(running.acts, why=running.said)
    others = [biology.boot("theirs", meta=metadata("another-service")), biology.boot("by hand")]
    # When the second one is gone, the others have been seen as often as the first one was.
    for name in ("leaked", "leaked again"):
        leaked = biology.boot(name, meta=metadata(SERVICE))
        since = time.monotonic()
        biology.until_gone(leaked)
        print(f"a leak was gone after {time.monotonic() - since:.1f} s")
        assert f"server {leaked.id} has no record: it is deleted" in running.said()
    assert biology.names() == ["by hand", "theirs"]
    assert all(biology.knows(other) for other in others)
    running.stop()


def test_with_the_settings_as_they_come_a_leak_is_gone_within_two_minutes() -> None:
    pace, times = PaceSettings.model_validate({}), TimeSettings.model_validate({})
    first = pace.list_calm
    second = math.ceil(times.leaks_apart / pace.list_calm) * pace.list_calm
    assert first + second + pace.patience + pace.cycle < 120


def test_a_worker_whose_service_has_vanished_powers_its_machine_off(
    house: House, cloud: Cloud, biology: Visitor
) -> None:
    house.describe("A", cloud.place, keep_alive=600)
    running = house.start(workers={"silence_limit": 20, "idle_limit": 600})
    alice = house.user()
    number = house.submit(alice, "true", policies={"placement": {"requirements": {"sites": ["A"]}}})
    assert alice.wait(number, seconds=120)["status"] == "completed"
    running.kill()
    (server,) = biology.nova.servers.list()
    try:
        house.head.stop()
        since = time.monotonic()
        biology.until(server, "SHUTOFF", seconds=90)
        print(f"off {time.monotonic() - since:.1f} s after the head had gone")
    finally:
        house.instance.start(print)
        provisioner.stop(house.instance.home)
    assert nodes.listens(house.instance.settings)


@pytest.mark.parametrize("number", [1, 12])
def test_a_site_is_asked_for_one_list_at_a_time_however_many_servers_it_has(scene: Scene, number: int) -> None:
    running = scene.start()
    for _ in range(number):
        scene.want()
    scene.settle(time.monotonic(), f"{number} servers", running)

    def lists() -> list[float]:
        return [one.at for one in scene.orders.requests() if one.path.endswith("/servers/detail")]

    scene.orders.forget()
    times = until(lambda: found if len(found := lists()) >= 6 else None, why=running.said)
    assert times is not None
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.9, "the pace is 1 s"
    about = {one.path for one in scene.orders.requests() if one.service == "compute"}
    assert not [path for path in about if "/servers/" in path and not path.endswith("/servers/detail")]
    running.stop()


def test_nodes_of_a_job_are_all_at_one_site_or_nowhere(scene: Scene, other_cloud: Cloud, physics: Visitor) -> None:
    scene.house.describe("A", scene.cloud.place, vos={"*": {"project_name": "physics"}}, tier=0)
    scene.house.describe("B", other_cloud.place, tier=1)
    set_faults(other_cloud.place, Fault("build", "deaf"))
    running = scene.start()
    house = scene.house
    three, many = (gangs.submit(house.instance, number, "A", "B") for number in (3, 60))
    until(lambda: len(house.records()) == 3, why=lambda: (house.records(), running.said()))
    assert {one.site for one in house.records()} == {"B"}

    def why(job: int) -> str:
        return gangs.reason(house.head, job)

    until(lambda: "limits do not allow all its nodes at once" in why(many), why=lambda: why(many))
    until(lambda: why(three).startswith("deploying: a worker at B is"), why=lambda: why(three))
    assert physics.names() == []
    assert len(house.records()) == 3
    running.stop()
