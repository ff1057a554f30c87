"""A cloud whose servers become active and run nothing, so that many of them cost little: what counts is which there are."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from cloud_provisioner.servers.states import State
from cloud_provisioner.store.wishes import Kind
from tests.cloud.house import House, Provisioner, until
from tests.cloud.openstack import people
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.contents import set_quota
from tests.cloud.openstack.hypervisor import Fault, set_faults
from tests.cloud.openstack.rules import Orders, Request
from tests.cloud.visitor import Visitor

PATIENCE = 60.0
_THERE = (State.BUILDING, State.JOINING)
_ROOM = {"instances": 1000, "cores": 1000, "ram": 4 * 1024 * 1024}


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
        set_quota(people.admin(cloud.place), "biology", _ROOM)
        house.describe("A", cloud.place, starting=1000)

    def start(self, *program: str, name: str = "first", patience: float = 10) -> Provisioner:
        """Starts a provisioner, or a program in its place."""
        return self.house.start(
            name,
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

    def creates(self) -> Sequence[Request]:
        """The requests for servers that came to the cloud since they were forgotten."""
        return [one for one in self.orders.requests() if one.method == "POST" and one.path.endswith("/servers")]

    def as_wanted(self) -> bool:
        """Whether there are as many servers as wanted, each with its record."""
        records = self.house.records()
        there = self.servers()
        return len(there) == self.wanted and there == sorted(one.uuid for one in records if one.state in _THERE)

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
    """Such a site, without a provisioner."""
    made = Scene(house, cloud)
    yield made
    print(f"worst: {made.worst[0]:.1f} s ({made.worst[1]})")
