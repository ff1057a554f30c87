"""What the tests of the records share: each database, with its tables, and ads of finished jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.records.database import Database
from api.records.departed import Departed
from api.records.finished import FinishedJobs
from api.records.revision import upgrade
from pool.history_files import HistoryFiles
from tests.unit.api.records.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.sqlite"
    return str(request.getfixturevalue("postgres").emptied())


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """A database with its tables."""
    made = Database(address)
    with made.migrating() as connection:
        upgrade(connection)
    yield made
    made.close()


@pytest.fixture
def finished(database: Database) -> FinishedJobs:
    return FinishedJobs(database)


@pytest.fixture
def departed(tmp_path: Path) -> Departed:
    """The folder in which the schedd leaves files, and that of the jobs' own."""
    (tmp_path / "departed").mkdir()
    (tmp_path / "sandboxes").mkdir()
    return Departed(HistoryFiles(tmp_path / "departed"), tmp_path / "sandboxes")
