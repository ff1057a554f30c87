"""The tables of the records: made by migrations, and asked for by the name of the command that makes them."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from api.records.finished import FinishedJobs
from api.records.schema import open_database
from api.records.tables import metadata
from database.errors import WrongRevision
from database.transactions import Database


def test_the_migrations_make_the_tables_that_the_program_uses(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_database_without_tables_is_refused_with_what_to_do(address: str) -> None:
    with pytest.raises(WrongRevision, match=r"run `python -m api\.records migrate`") as refused:
        FinishedJobs(open_database(address)).by_id(1)
    assert refused.value.found is None
