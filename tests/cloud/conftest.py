"""Real clouds for the tests of this folder: `cloud`, `other_cloud`, and people who use them.

What a test has set (rules of the proxy, faults, quotas) and made (servers) is gone before the next one begins.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.home import from_environment
from deploy.instance import Instance
from deploy.locks import alone
from tests.cloud.house import House, instance_for
from tests.cloud.openstack import people, processes
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.contents import set_quota
from tests.cloud.openstack.hypervisor import set_faults
from tests.cloud.openstack.place import SERVICES, Place
from tests.cloud.openstack.rules import Orders
from tests.cloud.visitor import Visitor
from tests.pool.conftest import a_home

NUMBER = int(os.environ.get("PROMINENCE_TEST_CLOUD", "18480"))
"""Number of the first cloud; the others have the ones behind it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/cloud" in str(item.path):
            item.add_marker(pytest.mark.cloud)


@pytest.fixture(scope="session")
def running() -> list[Cloud]:
    """The clouds that have been started."""
    return []


@pytest.fixture(scope="session")
def cloud(running: list[Cloud]) -> Iterator[Cloud]:
    """A cloud."""
    yield from started("north", NUMBER, running)


@pytest.fixture(scope="session")
def other_cloud(running: list[Cloud]) -> Iterator[Cloud]:
    """Another cloud."""
    yield from started("south", NUMBER + 1, running)


@pytest.fixture
def expendable(tmp_path: Path) -> Iterator[Cloud]:
    """A cloud that does not run, for tests that start and break it."""
    cloud = Cloud(Place(tmp_path / "cloud", NUMBER + 2), from_environment(os.environ).cache)
    yield cloud
    cloud.clean()


def started(name: str, number: int, running: list[Cloud]) -> Iterator[Cloud]:
    """A cloud that runs. Its folder is the same each time: what a killed session has left there is ended first."""
    folder = Path(tempfile.gettempdir()) / f"prominence-clouds-{os.getuid()}"
    cloud = Cloud(Place(folder / f"{name}-{number}", number), from_environment(os.environ).cache)
    with alone(folder / f"lock-{number}", print):
        cloud.clean()
        try:
            cloud.start(print)
            running.append(cloud)
            yield cloud
            running.remove(cloud)
        finally:
            cloud.clean()


@pytest.fixture(autouse=True)
def _calm(running: list[Cloud]) -> Iterator[None]:
    yield
    for cloud in running:
        lost = {*SERVICES, "proxy"}.difference(processes.running(cloud.place))
        if lost:
            print(processes.log_tails(cloud.place))
            cloud.start(print)
        Orders(cloud.place).rules()
        set_faults(cloud.place)
        admin = Visitor(cloud.place, people.admin(cloud.place))
        admin.delete_all()
        for project, quota in people.PROJECTS.items():
            set_quota(admin.session, project, quota)
        Orders(cloud.place).forget()
        assert not lost, f"{lost} of {cloud.place.folder.name} no longer ran when the test had ended"


@pytest.fixture
def orders(cloud: Cloud) -> Orders:
    """What the proxy of the cloud is told."""
    return Orders(cloud.place)


@pytest.fixture
def biology(cloud: Cloud) -> Visitor:
    """The provisioner's own user, in a project with room."""
    return Visitor(cloud.place, people.member(cloud.place, "biology"))


@pytest.fixture
def physics(cloud: Cloud) -> Visitor:
    """The same user, in a project with room for two servers and four cores."""
    return Visitor(cloud.place, people.member(cloud.place, "physics"))


PORT = int(os.environ.get("PROMINENCE_TEST_CLOUD_PORT", "18490"))
"""Port of the instance."""


@pytest.fixture(scope="session")
def furnished() -> Iterator[tuple[Instance, str]]:
    """An instance, and the address of an image for its jobs."""
    with instance_for(a_home("house"), PORT) as furnished:
        yield furnished


@pytest.fixture
def house(furnished: tuple[Instance, str]) -> Iterator[House]:
    """The instance, without sites or provisioner."""
    instance, image = furnished
    made = House(instance, image)
    made.prepare()
    yield made
    made.forget()
