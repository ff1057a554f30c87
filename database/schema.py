"""The tables of one part of the service: what is there, what this program needs, and the way from one to the other.

Several parts may share a database, each with a table of its own that holds the revision of its tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from database.errors import WrongRevision

_LOCK = 7_726_150_661_401
"""Key of PostgreSQL's advisory lock under which tables change: any number that nobody else uses."""


@dataclass(frozen=True)
class Schema:
    """The tables that the migrations in `folder`, one file a step, make."""

    folder: Path
    version_table: str
    """Where the revision of the tables stands."""
    migrate: str
    """The command with which operators bring the tables to the revision of the program."""

    def current(self, connection: Connection) -> str | None:
        """Revision of the tables that are there; None where there are none."""
        context = MigrationContext.configure(connection, opts={"version_table": self.version_table})
        return context.get_current_revision()

    def needed(self) -> str:
        """Revision that this program works with."""
        return _newest(self)

    def upgrade(self, connection: Connection) -> None:
        """Brings the tables to the revision needed, in the transaction of `connection`. Safe to repeat, and at once.

        Raises WrongRevision where a newer program has made the tables.
        """
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = _config(self)
        found = self.current(connection)
        if found is not None and found not in {
            one.revision for one in ScriptDirectory.from_config(config).walk_revisions()
        }:
            raise WrongRevision(found, self.needed(), self.migrate)
        config.attributes.update(connection=connection, version_table=self.version_table)
        command.upgrade(config, "head")


@cache
def _newest(schema: Schema) -> str:
    newest = ScriptDirectory.from_config(_config(schema)).get_current_head()
    assert newest is not None, f"there is no migration in {schema.folder}"  # noqa: S101 - for the type checker
    return newest


def _config(schema: Schema) -> Config:
    config = Config()
    for name, value in (
        ("script_location", Path(__file__).parent / "migrations"),
        ("version_locations", schema.folder),
        ("path_separator", "newline"),
    ):
        config.set_main_option(name, str(value).replace("%", "%%"))
    return config
