"""An account at the tests' cloud."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud_provisioner.drivers.contract import Account
from tests.cloud.described import account
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.place import Place


@pytest.fixture
def place(cloud: Cloud) -> Place:
    """Where the cloud is."""
    return cloud.place


@pytest.fixture
def used(place: Place) -> Iterator[Account]:
    """An account, for the project `biology`."""
    found = account(place)
    yield found
    found.close()
