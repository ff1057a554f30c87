"""A database in use: transactions, and what their failures mean.

Races thought of:
- Several processes write at once: in SQLite a transaction that writes takes the lock at its beginning, so none fails halfway
  because another was faster; in PostgreSQL what must be exact is one statement, or locks the row that it is about.
- A migration takes long: others that want to migrate wait for it, far longer than any other writer does.
- The database goes away and comes back: each connection is tried before it is used, and made anew.
- The service is started before the database, or on tables of another revision: the revision is looked at before the first
  transaction, and until it was right nothing else is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Table, exc
from sqlalchemy.dialects import postgresql, sqlite

from database.engines import opened
from database.errors import DatabaseRefused, DatabaseUnavailable, WrongRevision
from database.schema import Schema

# What cannot be mended by waiting: everything else that a driver raises may pass.
_OUR_FAULT = (exc.IntegrityError, exc.DataError, exc.ProgrammingError)


class Database:
    """One database with the tables of `schema`, safe to share between threads.

    Made without touching it: the first transaction connects. `address` begins as `database.address.SCHEMES` say.
    """

    def __init__(self, address: str, schema: Schema) -> None:
        self.schema = schema
        self._address = address
        self._engine = opened(address)
        self._writing = self._engine.execution_options(writing=True)
        self._right = False

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT in the words of this database, which know what to do where the row is there already."""
        return sqlite.insert(table) if self.dialect == "sqlite" else postgresql.insert(table)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises DatabaseUnavailable, WrongRevision."""
        with self._transaction(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at its end: what was written is stored when this returns, else nothing of it is.

        Raises DatabaseUnavailable, WrongRevision; DatabaseRefused where the database does not take a value.
        """
        with self._transaction(self._writing) as connection:
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A transaction on tables of any revision. Of several at once, one migrates and the others wait for it.

        Raises DatabaseUnavailable.
        """
        engine = opened(self._address, migrating=True)
        try:
            with _translated(), engine.execution_options(writing=True).begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def migrate(self) -> None:
        """Brings the tables to the revision of this program. Safe to repeat, and at once. Raises DatabaseUnavailable, and
        WrongRevision where they are a newer program's."""
        with self.migrating() as connection:
            self.schema.upgrade(connection)

    def check(self) -> None:
        """Raises WrongRevision where the tables are not those of this program, DatabaseUnavailable where nobody can tell."""
        with _translated(), self._engine.connect() as connection:
            found = self.schema.current(connection)
        if found != self.schema.needed():
            raise WrongRevision(found, self.schema.needed(), self.schema.migrate)
        self._right = True

    def close(self) -> None:
        """Closes the connections that are not in use."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        if not self._right:
            self.check()
        with _translated(), engine.begin() as connection:
            yield connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _OUR_FAULT as error:
        raise DatabaseRefused(_words(error)) from error
    except exc.DBAPIError as error:
        raise DatabaseUnavailable(_words(error)) from error
    except exc.TimeoutError as error:
        raise DatabaseUnavailable("all connections to the database are in use") from error


def _words(error: exc.DBAPIError) -> str:
    # The driver's own words: SQLAlchemy's would repeat the statement with all its values.
    return f"{type(error.orig).__name__}: {error.orig}".strip()
