"""A scripted cloud that is served on loopback, and an account there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud_provisioner.drivers.contract import Account
from cloud_provisioner.drivers.openstack.calls import connect
from tests.unit.cloud_provisioner.drivers.openstack.scripted_cloud import ENVIRON, ScriptedCloud, served, site


@pytest.fixture
def cloud() -> ScriptedCloud:
    return ScriptedCloud()


@pytest.fixture
def address(cloud: ScriptedCloud) -> Iterator[str]:
    with served(cloud) as found:
        yield found


@pytest.fixture
def account(address: str) -> Iterator[Account]:
    """An account whose calls end after two seconds."""
    found = connect(site(address), "bio", None, ENVIRON, 2.0)
    yield found
    found.close()
