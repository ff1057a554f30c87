"""The key-value store: bytes under keys that are paths, private to a user.

A change with `previous` is one statement that looks and writes at once, so of many that start from the same value one wins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Update, and_, delete, func, or_, select, update

from api.records.errors import LimitReached
from api.records.tables import pairs, person
from database.transactions import Database


@dataclass(frozen=True)
class PairLimits:
    """What one user may keep."""

    value_bytes: int = 16 * 1024
    """Bytes of a value."""
    key_bytes: int = 1024
    """Bytes of a key in UTF-8."""
    keys: int = 10_000
    """Keys."""
    listed_bytes: int = 4 * 2**20
    """Bytes of all values that one list may show."""


@dataclass(frozen=True)
class Pairs:
    """The pairs of all users. Users are (issuer, subject). All methods raise DatabaseUnavailable.

    Keys are text without a slash in front; they are compared byte by byte in UTF-8.
    """

    database: Database
    limits: PairLimits = field(default_factory=PairLimits)
    clock: Callable[[], float] = time.time

    def get(self, user: tuple[str, str], key: str) -> bytes | None:
        """The value of a key; None where there is none."""
        statement = select(pairs.c.value).where(_at(user, key))
        with self.database.reading() as connection:
            return connection.execute(statement).scalar()

    def put(self, user: tuple[str, str], key: str, value: bytes) -> None:
        """Sets a key. LimitReached."""
        self._check(key, value)
        row = {"person": person(*user), "key": key.encode(), "value": value, "changed": int(self.clock())}
        statement = self.database.insert(pairs).values(row)
        with self.database.writing() as connection:
            if connection.execute(self._change(user, key, value)).rowcount == 0:
                self._check_number(connection, user)
                # Somebody else may have made the key since the line before.
                changed = {name: row[name] for name in ("value", "changed")}
                same = [pairs.c.person, pairs.c.key]
                connection.execute(statement.on_conflict_do_update(index_elements=same, set_=changed))

    def replace(self, user: tuple[str, str], key: str, previous: bytes, value: bytes) -> bool:
        """Sets a key whose value is `previous`; False, and nothing done, where it is not, or there is none. LimitReached."""
        self._check(key, value)
        statement = self._change(user, key, value).where(pairs.c.value == previous)
        with self.database.writing() as connection:
            return connection.execute(statement).rowcount == 1

    def remove(self, user: tuple[str, str], key: str) -> None:
        """Removes a key; one that is not there is fine."""
        with self.database.writing() as connection:
            connection.execute(delete(pairs).where(_at(user, key)))

    def remove_below(self, user: tuple[str, str], key: str) -> None:
        """Removes a key and everything below it: `a` means `a` and `a/b`, not `ab`; `a/` means `a/b` alone."""
        below = _begins(user, key if key.endswith("/") else f"{key}/")
        with self.database.writing() as connection:
            connection.execute(delete(pairs).where(or_(_at(user, key), below)))

    def keys(self, user: tuple[str, str], prefix: str) -> list[str]:
        """The keys whose text begins with `prefix`, in order."""
        statement = select(pairs.c.key).where(_begins(user, prefix)).order_by(pairs.c.key)
        with self.database.reading() as connection:
            return [key.decode() for key in connection.execute(statement).scalars()]

    def items(self, user: tuple[str, str], prefix: str) -> list[tuple[str, bytes]]:
        """The keys whose text begins with `prefix`, in order, with their values. LimitReached where these are too much."""
        statement = select(pairs.c.key, pairs.c.value).where(_begins(user, prefix)).order_by(pairs.c.key)
        size = select(func.coalesce(func.sum(func.length(pairs.c.value)), 0)).where(_begins(user, prefix))
        with self.database.reading() as connection:
            if connection.execute(size).scalar_one() > self.limits.listed_bytes:
                most = self.limits.listed_bytes
                raise LimitReached(
                    "listed_bytes", most, f"The values are more than {most // 2**20} MB: list with a longer prefix."
                )
            return [(key.decode(), value) for key, value in connection.execute(statement)]

    def _change(self, user: tuple[str, str], key: str, value: bytes) -> Update:
        return update(pairs).where(_at(user, key)).values(value=value, changed=int(self.clock()))

    def _check(self, key: str, value: bytes) -> None:
        limits = self.limits
        if len(key.encode()) > limits.key_bytes:
            raise LimitReached("key_bytes", limits.key_bytes, f"A key has {limits.key_bytes} bytes at most.")
        if len(value) > limits.value_bytes:
            raise LimitReached("value_bytes", limits.value_bytes, f"A value has {limits.value_bytes} bytes at most.")

    def _check_number(self, connection: Connection, user: tuple[str, str]) -> None:
        mine = select(func.count()).select_from(pairs).where(pairs.c.person == person(*user))
        if connection.execute(mine).scalar_one() >= self.limits.keys:
            most = self.limits.keys
            raise LimitReached("keys", most, f"You have {most} keys, which is all you may have: delete some first.")


def _at(user: tuple[str, str], key: str) -> ColumnElement[bool]:
    return and_(pairs.c.person == person(*user), pairs.c.key == key.encode())


def _begins(user: tuple[str, str], prefix: str) -> ColumnElement[bool]:
    mine = pairs.c.person == person(*user)
    if not prefix:
        return mine
    start = prefix.encode()
    # No byte of UTF-8 is 0xff, so what begins with `start` lies below this.
    return and_(mine, pairs.c.key >= start, pairs.c.key < start + b"\xff")
