"""What the tests of the provisioner's database share: each kind of it, processes that act for a service, and their clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud_provisioner.store.schema import migrate, open_database
from database.transactions import Database
from tests.unit.cloud_provisioner.store.acting import Acting, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """A database with its tables."""
    migrate(address)
    made = open_database(address)
    yield made
    made.close()


@pytest.fixture
def acting(database: Database, clock: Clock) -> Acting:
    """A process that has the lease."""
    made = Acting(database, clock)
    assert made.lease.acquire()
    return made
