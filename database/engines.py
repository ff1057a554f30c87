"""How each kind of database is opened: transactions that begin when they should, and waits that end.

Several processes may open a new SQLite file at once: each of them makes it one with a write-ahead log, for which SQLite
wants the file for itself and waits for nobody, whatever time-out it has: that is tried again here.
"""

from __future__ import annotations

import sqlite3
import time

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from database.postgres import MIGRATION_PATIENCE, connect

_POOL_SIZE = 5
_POOL_PATIENCE = 5
_BUSY_PATIENCE = 5
"""Seconds that a writer waits for the others."""
_RETRY = 0.02
_CACHE_KB = 16 * 1024


def opened(address: str, migrating: bool = False) -> Engine:
    """The engine for the database at `address`, which is not touched yet; for migrations it waits far longer.

    A transaction of an engine with the execution option `writing` has SQLite's lock from its beginning.
    """
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
