"""The revision of the tables: what is there, what this program needs, and the way from one to the other."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

_LOCK = 7_726_150_661_401
"""Key of PostgreSQL's advisory lock under which tables change: any number that nobody else uses."""


def current(connection: Connection) -> str | None:
    """Revision of the tables that are there; None where there are none."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def needed() -> str:
    """Revision that this program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "a migration is part of this package"  # noqa: S101 - for the type checker
    return head


def upgrade(connection: Connection) -> None:
    """Brings the tables to the revision of this program, in the transaction of `connection`. Safe to repeat, and at once."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
