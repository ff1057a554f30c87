"""The tables of the records as a schema, and the database that has them."""

from __future__ import annotations

from pathlib import Path

from database.schema import Schema
from database.transactions import Database

SCHEMA = Schema(Path(__file__).parent / "migrations" / "versions", "alembic_version", "python -m api.records migrate")


def open_database(address: str) -> Database:
    """The records' database at `address`, not touched yet."""
    return Database(address, SCHEMA)
