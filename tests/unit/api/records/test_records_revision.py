"""The tables: made by migrations, and refused where they are not those of the program."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import api.records.database
import api.records.postgres
from api.records.database import Database
from api.records.errors import WrongRevision
from api.records.finished import FinishedJobs
from api.records.revision import upgrade
from api.records.tables import metadata


def test_the_migrations_make_the_tables_that_the_program_uses(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_several_may_migrate_at_once(address: str) -> None:
    def migrate(_: int) -> None:
        database = Database(address)
        with database.migrating() as connection:
            upgrade(connection)
        database.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, range(4)))
    Database(address).check()


def test_a_new_sqlite_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    def touch(address: str) -> None:
        together.wait(30)
        with pytest.raises(WrongRevision):
            Database(address).check()

    together = Barrier(8)
    with ThreadPoolExecutor(8) as threads:
        for number in range(20):
            list(threads.map(touch, [f"sqlite:///{tmp_path}/{number}.sqlite"] * 8))


def test_who_migrates_second_waits_longer_than_any_writer(
    address: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.records.database, "_BUSY_PATIENCE", 0.1)
    monkeypatch.setattr(api.records.postgres, "_LOCK_TIMEOUT", 1)
    second = Database(address)
    held, entered = Event(), Event()

    def migrate_first() -> None:
        with database.migrating() as connection:
            upgrade(connection)
            held.set()
            assert entered.wait(30)

    def migrate_second() -> None:
        held.wait(30)
        with second.migrating() as connection:
            upgrade(connection)

    with ThreadPoolExecutor(2) as threads:
        first, waiting = threads.submit(migrate_first), threads.submit(migrate_second)
        # Longer than a writer waits, whom nothing else lets through.
        with pytest.raises(TimeoutError):
            waiting.result(1.5)
        entered.set()
        first.result(30)
        waiting.result(30)


def test_a_database_without_tables_is_refused_with_what_to_do(address: str) -> None:
    with pytest.raises(WrongRevision, match=r"run `python -m api\.records migrate`") as refused:
        FinishedJobs(Database(address)).by_id(1)
    assert refused.value.found is None


def test_tables_of_another_revision_are_refused_until_they_are_right(address: str, database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    other = Database(address)
    with pytest.raises(WrongRevision) as refused:
        FinishedJobs(other).by_id(1)
    assert refused.value.found == "9999"
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :right"), {"right": refused.value.needed})
    assert FinishedJobs(other).by_id(1) is None
