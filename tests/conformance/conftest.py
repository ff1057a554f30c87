"""A cloud of each driver, emptied after every test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from cloud_provisioner.drivers.contract import Account, Order
from cloud_provisioner.servers.views import Listed, Status
from tests.conformance.clouds import CLOUDS, Cloud, Start, parameters

SERVICE = "conformance"


@dataclass
class Stage:
    """An account at a cloud, and what tests do with it again and again."""

    cloud: Cloud
    account: Account = field(init=False)

    def __post_init__(self) -> None:
        self.account = self.cloud.connect()

    def order(self, user_data: str = "", uuid: str = "", flavor: str = "") -> Order:
        """An order of the cheapest server there is, unless another one is asked for."""
        uuid = uuid or uuid4().hex
        flavor = flavor or self.account.offer().flavors[0].name
        return Order(uuid, f"prominence-{uuid}", SERVICE, flavor, self.cloud.vo, user_data or self.cloud.lasting)

    def listed(self, uuid: str) -> tuple[Listed, ...]:
        """The servers of a uuid."""
        view = self.account.listing(0.0)
        assert view.complete
        return view.servers.get(uuid, ())

    def until(self, uuid: str, status: Status) -> Listed:
        """Waits until the one server of a uuid has a status."""
        self.wait(lambda: [one.status for one in self.listed(uuid)] == [status])
        return self.listed(uuid)[0]

    def end(self, cloud_id: str) -> None:
        """Deletes a server until the cloud does not have it."""
        self.wait(lambda: self.account.delete(cloud_id))

    def wait(self, what: Callable[[], bool]) -> None:
        """Waits until something holds, as long as the cloud may take."""
        deadline = time.monotonic() + self.cloud.patience
        while not what():
            assert time.monotonic() < deadline, self.account.listing(0.0).servers
            time.sleep(self.cloud.patience / 500)


@pytest.fixture(scope="module", params=parameters(CLOUDS))
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    start: Start = request.param
    with start(Path(tmp_path_factory.mktemp("cloud"))) as started:
        yield started


@pytest.fixture
def stage(cloud: Cloud) -> Iterator[Stage]:
    made = Stage(cloud)
    yield made
    for uuid, servers in made.account.listing(0.0).servers.items():
        for server in servers:
            made.end(server.cloud_id)
        assert made.listed(uuid) == ()
    made.account.close()
