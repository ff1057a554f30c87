"""What admins see and ask for, beside the process that has the lease; and the tables themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from api.records.schema import open_database as open_records
from cloud_provisioner.amounts import Amount
from cloud_provisioner.errors import StoreUnreadable
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.store.health import SiteHealth
from cloud_provisioner.store.reader import Reader
from cloud_provisioner.store.schema import migrate, open_database
from cloud_provisioner.store.store import KEPT
from cloud_provisioner.store.tables import metadata
from cloud_provisioner.store.wishes import Kind, Wish
from database.errors import DatabaseUnavailable, WrongRevision
from database.transactions import Database
from tests.unit.cloud_provisioner.store.acting import NOW, Acting, intent

FULL = SiteHealth(
    "A",
    "A/vo",
    NOW,
    NOW - 60,
    "A's project has no room: „64 of 64“ cores",
    3,
    12,
    Limits(10, None, 64_000),
    Amount(64, 1, 0),
    9,
    0.25,
    ("tiny is smaller than the image", "ü"),
)


def test_places_are_seen_as_they_were_published_last(acting: Acting, database: Database) -> None:
    reader = Reader(database)
    assert reader.sites() == []
    acting.store.publish([FULL, SiteHealth("B", "B", NOW, NOW)])
    assert reader.sites() == [FULL, SiteHealth("B", "B", NOW, NOW)]
    acting.store.publish([SiteHealth("B", "B", NOW + 1, NOW)])
    assert reader.sites() == [SiteHealth("B", "B", NOW + 1, NOW)]
    acting.store.publish([])
    assert reader.sites() == []


def test_a_place_of_which_nothing_can_be_understood_is_named(acting: Acting, database: Database) -> None:
    acting.store.publish([FULL])
    with database.writing() as connection:
        connection.execute(text("UPDATE provisioner_sites SET facts = '[]'"))
    with pytest.raises(StoreUnreadable, match="A/vo"):
        Reader(database).sites()


def test_servers_are_seen_by_place_and_age(acting: Acting, database: Database) -> None:
    acting.store.write([intent("c", site="B"), intent("b", made_at=NOW + 1), intent("a", made_at=NOW)])
    assert [one.uuid for one in Reader(database).intents()] == ["a", "b", "c"]


def test_a_wish_waits_until_it_is_done_and_is_forgotten_later(acting: Acting, database: Database) -> None:
    reader = Reader(database)
    server, site = reader.wish(Kind.DRAIN_SERVER, "a", NOW), reader.wish(Kind.DRAIN_SITE, "A", NOW + 1)
    assert acting.store.wishes() == (
        Wish(server, Kind.DRAIN_SERVER, "a", NOW),
        Wish(site, Kind.DRAIN_SITE, "A", NOW + 1),
    )
    acting.store.done([server], NOW + 2)
    acting.store.done([], NOW + 2)
    assert [one.number for one in acting.store.wishes()] == [site]
    assert reader.wished(server) == Wish(server, Kind.DRAIN_SERVER, "a", NOW, NOW + 2)
    acting.store.done([site], NOW + 3 + KEPT)
    assert reader.wished(server) is None
    assert reader.wished(site) is not None


def test_who_asks_again_is_given_the_wish_that_waits(acting: Acting, database: Database) -> None:
    reader = Reader(database)
    first = reader.wish(Kind.DRAIN_SITE, "A", NOW)
    assert reader.wish(Kind.DRAIN_SITE, "A", NOW + 1) == first
    assert len({first, reader.wish(Kind.DRAIN_SITE, "B", NOW), reader.wish(Kind.DRAIN_SERVER, "A", NOW)}) == 3
    acting.store.done([first], NOW + 2)
    later = reader.wish(Kind.DRAIN_SITE, "A", NOW + 3)
    assert later != first
    assert later in [one.number for one in acting.store.wishes()]


def test_who_only_looks_needs_no_lease_and_sees_who_has_it(database: Database, acting: Acting) -> None:
    found = Reader(database).lease("service")
    assert found is not None
    assert (found.holder, found.generation) == ("one", 1)
    assert Reader(database).lease("another service") is None


def test_the_migrations_make_the_tables_that_the_program_uses(database: Database) -> None:
    options = {"compare_type": True, "version_table": "provisioner_version"}
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_several_may_migrate_at_once_and_again(address: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(migrate, [address] * 4)) == ["0002"] * 4
    database = open_database(address)
    number = Reader(database).wish(Kind.DRAIN_SITE, "A", NOW)
    assert migrate(address) == "0002"
    assert Reader(database).wished(number) is not None
    database.close()


def test_servers_of_an_earlier_program_are_kept_and_wanted(acting: Acting, database: Database, address: str) -> None:
    acting.store.write([intent("a")])
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE provisioner_intents DROP COLUMN unwanted"))
        connection.execute(text("UPDATE provisioner_version SET version_num = '0001'"))
    migrate(address)
    assert Reader(database).intents() == [intent("a", unwanted=False)]


def test_the_tables_live_beside_those_of_the_records(address: str) -> None:
    with pytest.raises(WrongRevision, match=r"prominence-admin migrate"):
        Reader(open_database(address)).intents()
    open_records(address).migrate()
    migrate(address)
    open_records(address).check()
    assert Reader(open_database(address)).intents() == []


def test_a_database_that_is_away_is_a_sentence(tmp_path_factory: pytest.TempPathFactory) -> None:
    address = f"sqlite:///{tmp_path_factory.mktemp('away')}/nowhere/provisioner.sqlite"
    with pytest.raises(DatabaseUnavailable, match="try again"):
        migrate(address)
    with pytest.raises(DatabaseUnavailable, match="try again"):
        Reader(open_database(address)).wish(Kind.DRAIN_SITE, "A", NOW)
