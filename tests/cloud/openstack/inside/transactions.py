"""SQLite under several threads and processes: every transaction takes the write lock when it begins.

Otherwise one that reads first asks for the lock late, and is told at once that the database is locked.
"""

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine


def begin_with_the_lock() -> None:
    """Makes it so for all databases that this process opens."""
    event.listen(Engine, "begin", _begin)


def _begin(connection: Connection) -> None:
    # oslo.db begins transactions itself, after this, unless it finds its note that one has begun.
    if connection.dialect.name == "sqlite" and "in_transaction" not in connection.info:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.info["in_transaction"] = True
