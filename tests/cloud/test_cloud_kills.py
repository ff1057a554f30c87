"""A provisioner that is killed at any step of making and deleting servers, and clouds that do not say what they did.

Servers here become active and run nothing, so that many of them cost little: what counts is which there are.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from cloud_provisioner.servers.states import State
from cloud_provisioner.store.wishes import Kind
from tests.cloud.house import House, Provisioner, until
from tests.cloud.openstack import people
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.contents import set_quota
from tests.cloud.openstack.hypervisor import Fault, set_faults
from tests.cloud.openstack.rules import CREATE, DELETE, Orders, Rule
from tests.cloud.visitor import Visitor

pytestmark = pytest.mark.timeout(1500)

STRIDE = int(os.environ.get("PROMINENCE_TEST_STRIDE", "6"))
"""A kill at each so many-th line; 1: at every line."""
SOON = 10.0
"""Seconds from the restart in which all is as it should be, on a machine that has time."""
PATIENCE = 60.0
THERE = (State.BUILDING, State.JOINING)
ROOM = {"instances": 200, "cores": 400, "ram": 1024 * 1024}


class Scene:
    """A site whose servers run nothing, and jobs of which each needs one."""

    def __init__(self, house: House, cloud: Cloud) -> None:
        self.house, self.cloud = house, cloud
        self.orders = Orders(cloud.place)
        self.nova = Visitor(cloud.place, people.member(cloud.place, "biology", public=False)).nova
        self.alice = house.user()
        self.wanted = 0
        self.reached = house.instance.home.path / "reached"
        self.worst = (0.0, "")
        set_faults(cloud.place, Fault("build", "deaf"))
        set_quota(people.admin(cloud.place), "biology", ROOM)
        house.describe("A", cloud.place, starting=100)

    def start(self, *program: str, patience: float = 10) -> Provisioner:
        return self.house.start(
            "first",
            *program,
            environ={"REACHED": str(self.reached)},
            times={"joining": 3600},
            pace={"cycle": 0.5, "patience": patience},
        )

    def want(self) -> None:
        """One server more."""
        self.house.submit(self.alice, policies={"placement": {"requirements": {"sites": ["A"]}}})
        self.wanted += 1

    def unwant(self, uuid: str) -> None:
        """One server less: this one."""
        self.house.reader.wish(Kind.DRAIN_SERVER, uuid, time.time())
        self.wanted -= 1

    def servers(self) -> list[str]:
        """Our uuids of all servers at the cloud."""
        return sorted(server.metadata["prominence-server"] for server in self.nova.servers.list())

    def recorded(self) -> list[str]:
        """Those that have a record and are counted on."""
        return sorted(one.uuid for one in self.house.records() if one.state in THERE)

    def as_wanted(self) -> bool:
        records = self.house.records()
        there = self.servers()
        return len(there) == self.wanted and there == sorted(one.uuid for one in records if one.state in THERE)

    def settle(self, since: float, what: str, running: Provisioner) -> None:
        """Waits until it acts, and there are as many servers as wanted, each with its record."""
        until(
            lambda: running.acts() and self.as_wanted(),
            PATIENCE,
            lambda: (what, self.wanted, self.servers(), self.house.records(), running.said()),
        )
        self.worst = max(self.worst, (time.monotonic() - since, what))

    def die(self, dying: Provisioner, finished: Callable[[], bool]) -> bool:
        """Waits for its death; False where it finished what it did before it came to that line."""
        until(lambda: dying.process.poll() is not None or finished(), PATIENCE, dying.said)
        return dying.process.poll() == -signal.SIGKILL


@pytest.fixture
def scene(house: House, cloud: Cloud) -> Iterator[Scene]:
    made = Scene(house, cloud)
    yield made
    print(f"worst: {made.worst[0]:.1f} s ({made.worst[1]})")


def armed(scene: Scene, state: State, line: int, before: str) -> Provisioner:
    """A provisioner that will die at a line, once what the last one left is in order."""
    since = time.monotonic()
    dying = scene.start("tests.cloud.dying", state, str(line))
    scene.settle(since, before, dying)
    scene.reached.unlink(missing_ok=True)
    dying.process.send_signal(signal.SIGUSR1)
    return dying


def test_killed_at_any_step_of_a_create_or_a_delete_there_are_as_many_servers_as_wanted_soon_after(
    scene: Scene,
) -> None:
    line, died, before = 1, 0, "the first start"
    while True:
        dying = armed(scene, State.INTENDED, line, before)
        scene.want()
        if not scene.die(dying, scene.as_wanted):
            break
        died, before = died + 1, f"killed in a create, at line {scene.reached.read_text()}"
        print(before)
        line += STRIDE
    dying.kill()
    assert died >= 100 / STRIDE
    scene.house.remove_jobs()
    line, deaths, before = 1, 0, "between creates and deletes"
    while True:
        dying = armed(scene, State.DELETING, line, before)
        victim = scene.servers()[0]
        scene.unwant(victim)
        if not scene.die(dying, lambda: victim not in {one.uuid for one in scene.house.records()}):  # noqa: B023
            break
        deaths, before = deaths + 1, f"killed in a delete, at line {scene.reached.read_text()}"
        print(before)
        line += STRIDE
    dying.kill()
    assert deaths >= 60 / STRIDE
    print(f"{died} deaths in creates, {deaths} in deletes")


IN_FLIGHT = {
    "the cloud has made it": Rule(**CREATE, after=2, times=1),
    "the cloud has not had it yet": Rule(**CREATE, before=2, times=1),
    "the cloud never gets it": Rule(**CREATE, before=2, pass_on=False, cut=True, times=1),
}


def test_killed_while_a_request_is_under_way_there_are_as_many_servers_as_wanted_soon_after(scene: Scene) -> None:
    running = scene.start()
    for what, rule in IN_FLIGHT.items():
        scene.orders.rules(rule)
        scene.want()
        until(lambda: scene.orders.used() == [1])
        running.kill()
        since = time.monotonic()
        running = scene.start()
        scene.settle(since, what, running)
        scene.orders.rules()
    scene.house.remove_jobs()
    for rule in (Rule(**DELETE, after=2, times=1), Rule(**DELETE, before=2, times=1)):
        scene.orders.rules(rule)
        scene.unwant(scene.servers()[0])
        until(lambda: scene.orders.used() == [1])
        running.kill()
        since = time.monotonic()
        running = scene.start()
        scene.settle(since, "a delete under way", running)
        until(lambda: not any(one.state is State.DELETING for one in scene.house.records()))
    running.stop()


IN_DOUBT = {
    "503, and made": Rule(**CREATE, status=503, times=1),
    "cut, and made": Rule(**CREATE, cut=True, times=1),
    "half an answer": Rule(**CREATE, half=True, times=1),
    "made after the time-out": Rule(**CREATE, before=6, times=1),
}


def test_a_cloud_that_does_not_say_that_it_made_a_server_is_not_asked_for_another(scene: Scene) -> None:
    running = scene.start(patience=3)
    for what, rule in IN_DOUBT.items():
        scene.orders.rules(rule)
        scene.orders.forget()
        scene.want()
        until(lambda: scene.orders.used() == [1], why=running.said)
        scene.settle(time.monotonic(), what, running)
        creates = [one for one in scene.orders.requests() if one.method == "POST" and one.path.endswith("/servers")]
        assert len(creates) == 1, (what, running.said())
        scene.orders.rules()
    running.stop()
