"""A small part of a service that keeps things in a database, for the tests of databases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, LargeBinary, MetaData, Table, Text, select

from database.schema import Schema
from database.transactions import Database

SCHEMA = Schema(Path(__file__).parent / "things_migrations", "things_version", "things migrate")

metadata = MetaData()
things = Table("things", metadata, Column("name", Text, primary_key=True), Column("value", LargeBinary, nullable=False))


@dataclass(frozen=True)
class Things:
    database: Database

    def put(self, name: str, value: bytes = b"1") -> None:
        with self.database.writing() as connection:
            connection.execute(self.database.insert(things).values(name=name, value=value))

    def names(self) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.scalars(select(things.c.name).order_by(things.c.name)))


def opened(address: str) -> Things:
    """The things at an address, not touched yet."""
    return Things(Database(address, SCHEMA))


def made(address: str) -> Things:
    """The same, with their table."""
    found = opened(address)
    found.database.migrate()
    return found
