"""The drivers under test: for each a context in which there is a cloud to try it on.

A driver's tests add theirs to `CLOUDS`: a function that is given a folder, and marks for what it needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud_provisioner.drivers.contract import Account
from cloud_provisioner.drivers.local import calls
from cloud_provisioner.drivers.local.schema import LocalSite
from deploy import appliance
from deploy.home import from_environment
from tests.cloud.described import SLEEPS, account
from tests.cloud.openstack.cloud import Cloud as Openstack
from tests.cloud.openstack.place import Place

NUMBER = int(os.environ.get("PROMINENCE_TEST_CLOUD", "18480")) + 3
"""Number of the cloud; those before it are of other tests."""


@dataclass(frozen=True)
class Cloud:
    """An account at a cloud in which nobody else makes servers."""

    connect: Callable[[], Account]
    """Connects anew, as after a restart of the provisioner."""
    vo: str
    lasting: str
    """User data with which a server runs until it is deleted. No worker is needed here."""
    mortal: str
    """User data with which a server powers itself off soon."""
    patience: float
    """Seconds within which a server is active, and one that is to be deleted is gone."""


Start = Callable[[Path], AbstractContextManager[Cloud]]


@contextmanager
def local(folder: Path) -> Iterator[Cloud]:
    """Workers in namespaces on this machine."""
    root = appliance.ensure(from_environment(os.environ).cache, print)
    site = LocalSite.model_validate(
        {"name": "here", "driver": "local", "appliance": str(root), "folder": str(folder / "workers")}
    )

    def connect() -> Account:
        return calls.connect(site, "*", None, {}, 20)

    yield Cloud(connect, "*", "#!/bin/sh\nexec sleep 600\n", "#!/bin/sh\nexit 0\n", 10)


@contextmanager
def openstack(folder: Path) -> Iterator[Cloud]:
    """A cloud of its own, of which a project is used."""
    place = Place(folder / "cloud", NUMBER)
    started = Openstack(place, from_environment(os.environ).cache)
    try:
        started.start(print)
        yield Cloud(lambda: account(place), "biology", SLEEPS, "#!/bin/sh\nexit 0\n", 150)
    finally:
        started.clean()


CLOUDS: dict[str, tuple[Start, tuple[pytest.MarkDecorator, ...]]] = {
    "local": (local, (pytest.mark.pool,)),
    "openstack": (openstack, (pytest.mark.cloud,)),
}
"""By name of the driver."""


def parameters(clouds: Mapping[str, tuple[Start, tuple[pytest.MarkDecorator, ...]]]) -> list[object]:
    """The clouds as parameters of a fixture."""
    return [pytest.param(start, marks=marks, id=name) for name, (start, marks) in clouds.items()]
