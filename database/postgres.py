"""Connections to PostgreSQL that give up: a server that is stopped or unreachable must not hold a request for ever.

The server's own time-outs end what takes too long there. When the server itself hangs nobody sends anything, so each wait for
an answer has a limit here too; after it the connection is closed, since its answer might still come.
"""

from __future__ import annotations

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

RV = TypeVar("RV")

CONNECT_TIMEOUT = 3
"""Seconds in which a connection must stand."""
STATEMENT_TIMEOUT = 10
"""Seconds that one statement may take at the server."""
ANSWER_TIMEOUT = 15.0
"""Seconds without any answer after which a server is taken for lost."""
_LOCK_TIMEOUT = 5
MIGRATION_PATIENCE = 600
"""Seconds that a migration may take, and wait for others: there may be large tables to change."""
_IDLE_TIMEOUT = 60
_KEEPALIVE = 30
_POLL = 0.1


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits `patience` seconds for an answer: then it is closed and OperationalError raised."""

    patience = ANSWER_TIMEOUT

    def wait(self, gen: PQGen[RV], interval: float = _POLL, timeout: float | None = None) -> RV:  # noqa: D102 - psycopg's
        began = time.monotonic()
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            if timeout is None and time.monotonic() - began >= self.patience:
                self.close()
            raise


def connect(url: URL, migrating: bool = False) -> BoundedConnection:
    """A connection to the server at `url`, for migrations a patient one; psycopg.OperationalError within CONNECT_TIMEOUT."""
    words = {"host": url.host, "user": url.username, "password": url.password, "dbname": url.database}
    words |= {name: value for name, value in url.query.items() if isinstance(value, str)}
    if url.port is not None:
        words["port"] = str(url.port)
    info = make_conninfo(
        "",
        **{name: value for name, value in words.items() if value is not None},
        connect_timeout=CONNECT_TIMEOUT,
        tcp_user_timeout=CONNECT_TIMEOUT * 1000,
        keepalives_idle=_KEEPALIVE,
        application_name="prominence",
        options=_options(migrating),
    )
    connection = BoundedConnection.connect(info)
    if migrating:
        connection.patience = MIGRATION_PATIENCE
    return connection


def _options(migrating: bool) -> str:
    values = {
        "statement_timeout": f"{MIGRATION_PATIENCE if migrating else STATEMENT_TIMEOUT}s",
        "lock_timeout": f"{MIGRATION_PATIENCE if migrating else _LOCK_TIMEOUT}s",
        "idle_in_transaction_session_timeout": f"{_IDLE_TIMEOUT}s",
        "timezone": "UTC",
    }
    return " ".join(f"-c {name}={value}" for name, value in values.items())
