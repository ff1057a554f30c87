"""What the tests of the records share: each database, with its tables, and ads of finished jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.records.departed import Departed
from api.records.finished import FinishedJobs
from api.records.schema import open_database
from database.transactions import Database
from pool.history_files import HistoryFiles


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """A database with its tables."""
    made = open_database(address)
    made.migrate()
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
