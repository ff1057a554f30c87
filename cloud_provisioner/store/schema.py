"""The provisioner's tables as a schema, and the database that has them."""

from __future__ import annotations

from pathlib import Path

from database.schema import Schema
from database.transactions import Database

SCHEMA = Schema(Path(__file__).parent / "migrations" / "versions", "provisioner_version", "prominence-admin migrate")


def open_database(address: str) -> Database:
    """The provisioner's database at `address`, not touched yet."""
    return Database(address, SCHEMA)


def migrate(address: str) -> str:
    """Brings the tables at `address` to the revision of this program, and says which that is.

    DatabaseUnavailable, WrongRevision. Safe to repeat, and to do at once; the rows stay.
    """
    database = open_database(address)
    try:
        database.migrate()
    finally:
        database.close()
    return SCHEMA.needed()
