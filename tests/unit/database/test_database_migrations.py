"""The tables: made by migrations, once, and refused where they are not those of the program."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest
from sqlalchemy import text

from api.records.schema import open_database
from database.errors import WrongRevision
from tests.unit.database.things import SCHEMA, made, opened


def test_several_may_migrate_at_once(address: str) -> None:
    def migrate(_: int) -> None:
        made(address).database.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, range(4)))
    assert opened(address).names() == []


def test_who_migrates_again_changes_nothing(address: str) -> None:
    things = made(address)
    things.put("kept")
    things.database.migrate()
    assert things.names() == ["kept"]


def test_a_new_sqlite_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    def touch(address: str) -> None:
        together.wait(30)
        with pytest.raises(WrongRevision):
            opened(address).database.check()

    together = Barrier(8)
    with ThreadPoolExecutor(8) as threads:
        for number in range(20):
            list(threads.map(touch, [f"sqlite:///{tmp_path}/{number}.sqlite"] * 8))


def test_who_migrates_second_waits_longer_than_any_writer(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("database.engines._BUSY_PATIENCE", 0.1)
    monkeypatch.setattr("database.postgres._LOCK_TIMEOUT", 1)
    first, second = made(address).database, opened(address).database
    held, entered = Event(), Event()

    def migrate_first() -> None:
        with first.migrating() as connection:
            SCHEMA.upgrade(connection)
            held.set()
            assert entered.wait(30)

    def migrate_second() -> None:
        held.wait(30)
        second.migrate()

    with ThreadPoolExecutor(2) as threads:
        holding, waiting = threads.submit(migrate_first), threads.submit(migrate_second)
        # Longer than a writer waits, whom nothing else lets through.
        with pytest.raises(TimeoutError):
            waiting.result(1.5)
        entered.set()
        holding.result(30)
        waiting.result(30)


def test_a_database_without_tables_is_refused_with_what_to_do(address: str) -> None:
    with pytest.raises(WrongRevision, match="run `things migrate`") as refused:
        opened(address).names()
    assert (refused.value.found, refused.value.needed) == (None, "0001")


def test_tables_of_another_revision_are_refused_until_they_are_right(address: str) -> None:
    things, other = made(address), opened(address)
    change = text("UPDATE things_version SET version_num = :number")
    with things.database.writing() as connection:
        connection.execute(change, {"number": "9999"})
    with pytest.raises(WrongRevision) as refused:
        other.names()
    assert refused.value.found == "9999"
    with things.database.writing() as connection:
        connection.execute(change, {"number": refused.value.needed})
    assert other.names() == []


def test_tables_of_a_newer_program_are_left_alone_by_an_older_one(address: str) -> None:
    things = made(address)
    with things.database.writing() as connection:
        connection.execute(text("UPDATE things_version SET version_num = '0002'"))
    with pytest.raises(WrongRevision, match="of the newest program") as refused:
        opened(address).database.migrate()
    assert (refused.value.found, refused.value.needed) == ("0002", "0001")


def test_two_parts_of_the_service_may_share_a_database(address: str) -> None:
    things = made(address)
    things.put("kept")
    records = open_database(address)
    with pytest.raises(WrongRevision, match=r"python -m api\.records migrate"):
        records.check()
    records.migrate()
    records.check()
    assert things.names() == ["kept"]
