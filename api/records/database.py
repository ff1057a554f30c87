"""The database: connections, transactions, and what its failures mean.

Races thought of:
- Several processes write at once: in SQLite a transaction that writes takes the lock at its beginning, so none fails halfway
  because another was faster; in PostgreSQL each statement that must be exact is one statement.
- Several processes open a new SQLite file at once: each of them makes it one with a write-ahead log, for which SQLite wants the
  file for itself and waits for nobody, whatever time-out it has: that is tried again here.
- A migration takes long: others that want to migrate wait for it, far longer than any other writer does.
- The database goes away and comes back: each connection is tried before it is used, and made anew.
- The service is started before the database, or on tables of another revision: the revision is looked at before the first
  transaction, and until it was right nothing else is done.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Table, create_engine, event, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

from api.records.errors import RecordRefused, RecordsUnavailable, WrongRevision
from api.records.postgres import MIGRATION_PATIENCE, connect
from api.records.revision import current, needed

_POOL_SIZE = 5
_POOL_PATIENCE = 5
_BUSY_PATIENCE = 5
"""Seconds that a writer waits for the others."""
_RETRY = 0.02
_CACHE_KB = 16 * 1024

# What cannot be mended by waiting: everything else that a driver raises may pass.
_OUR_FAULT = (exc.IntegrityError, exc.DataError, exc.ProgrammingError)


class Database:
    """One database, safe to share between threads. Made without touching it: the first transaction connects."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._engine = _opened(address)
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
        """A transaction that only reads. Raises RecordsUnavailable, WrongRevision."""
        with self._transaction(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at its end: what was written is stored when this returns, else nothing of it is.

        Raises RecordsUnavailable, WrongRevision; RecordRefused where the database does not take a value.
        """
        with self._transaction(self._writing) as connection:
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A transaction on tables of any revision. Of several at once, one migrates and the others wait for it.

        Raises RecordsUnavailable.
        """
        engine = _opened(self._address, migrating=True)
        try:
            with _translated(), engine.execution_options(writing=True).begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def check(self) -> None:
        """Raises WrongRevision where the tables are not those of this program, RecordsUnavailable where that cannot be seen."""
        with _translated(), self._engine.connect() as connection:
            found = current(connection)
        if found != needed():
            raise WrongRevision(found, needed())
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
        raise RecordRefused(_words(error)) from error
    except exc.DBAPIError as error:
        raise RecordsUnavailable(_words(error)) from error
    except exc.TimeoutError as error:
        raise RecordsUnavailable("all connections to the database are in use") from error


def _words(error: exc.DBAPIError) -> str:
    # The driver's own words: SQLAlchemy's would repeat the statement with all its values.
    return f"{type(error.orig).__name__}: {error.orig}".strip()


def _opened(address: str, migrating: bool = False) -> Engine:
    return _sqlite(address, migrating) if address.startswith("sqlite") else _postgresql(address, migrating)


def _sqlite(address: str, migrating: bool) -> Engine:
    engine = create_engine(
        address,
        pool_size=_POOL_SIZE,
        max_overflow=0,
        pool_timeout=_POOL_PATIENCE,
        connect_args={"timeout": MIGRATION_PATIENCE if migrating else _BUSY_PATIENCE, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + _BUSY_PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY)
        else:
            return


def _postgresql(address: str, migrating: bool) -> Engine:
    url = make_url(address)
    return create_engine(
        url,
        creator=lambda: connect(url, migrating),
        pool_size=_POOL_SIZE,
        max_overflow=0,
        pool_timeout=_POOL_PATIENCE,
        pool_pre_ping=True,
    )
