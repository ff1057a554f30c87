"""The rows of grants: stored, found, and claimed by whoever refreshes one.

Who refreshes a grant claims its row first, with a name of its own, so that of all threads and processes one at a time
shows the refresh token. What comes of it is stored only where the row is still claimed by that name: a grant that was put
or dropped meanwhile stays as it was put or dropped. The claim of a process that was killed is taken over at once by another
one of the same machine, which sees that (`claimants`), and lapses after LEASE seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from database.transactions import Database
from identity.grants.claimants import is_gone
from identity.grants.tables import REFUSED, USABLE, grants

LEASE = 90.0
"""Seconds after which a claim lapses: far longer than a refresh takes, so that the clocks of hosts may differ by a minute."""


@dataclass(frozen=True, slots=True)
class Row:
    """A grant as it is stored; see `tables`."""

    issuer: str
    subject: str
    owner: str
    sealed: bytes
    origin: bytes
    scope: str
    state: str
    created: float
    version: int
    refused: float | None = None
    why: str | None = None
    refreshed: float | None = None
    claim: str | None = None
    claimed: float | None = None
    doubted: float | None = None


_COLUMNS = [grants.c[field.name] for field in fields(Row)]


@dataclass(frozen=True)
class Rows:
    """The table of grants. All methods raise DatabaseError; times are epoch seconds."""

    database: Database

    def put(self, row: Row) -> None:
        """Stores a user's grant instead of the one that may be there.

        The very token that was put before, while what came of it is usable, changes nothing: it may have been used up.
        """
        values = {field.name: getattr(row, field.name) for field in fields(Row)}
        statement = self.database.insert(grants).values(values)
        replaced: dict[str, ColumnElement[Any]] = {"version": grants.c.version + 1}
        replaced |= {name: statement.excluded[name] for name in values if name not in ("issuer", "subject", "version")}
        another = or_(grants.c.origin != statement.excluded.origin, grants.c.state != USABLE)
        with self.database.writing() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[grants.c.issuer, grants.c.subject], set_=replaced, where=another
                )
            )

    def drop(self, owner: str) -> bool:
        """Forgets a grant; whether there was one."""
        with self.database.writing() as connection:
            return connection.execute(delete(grants).where(grants.c.owner == owner)).rowcount > 0

    def find(self, owner: str) -> Row | None:
        """The grant of a user, if there is one."""
        with self.database.reading() as connection:
            found = connection.execute(select(*_COLUMNS).where(grants.c.owner == owner)).first()
        return None if found is None else Row(**found._mapping)

    def every(self) -> Sequence[Row]:
        """All grants, by owner."""
        with self.database.reading() as connection:
            return [Row(**row._mapping) for row in connection.execute(select(*_COLUMNS).order_by(grants.c.owner))]

    def usable(self, issuers: Sequence[str]) -> frozenset[str]:
        """Owners whose grants, of these issuers, nobody has refused."""
        statement = select(grants.c.owner).where(grants.c.state == USABLE, grants.c.issuer.in_(issuers))
        with self.database.reading() as connection:
            return frozenset(connection.execute(statement).scalars())

    def claim(self, row: Row, name: str, now: float) -> bool:
        """Claims a row as it was found, which `is_free`; False where it has changed since."""
        values: dict[str, Any] = {"claim": name, "claimed": now}
        if row.claim is not None:
            # Whoever claimed it before never said what came of it.
            values["doubted"] = row.claimed
        statement = update(grants).where(_is(row), grants.c.state == USABLE, _same_claim(row)).values(values)
        with self.database.writing() as connection:
            return connection.execute(statement).rowcount == 1

    def renew(self, row: Row, name: str, sealed: bytes | None, scope: str | None, now: float) -> bool:
        """After a refresh: stores the new refresh token (None: the old one stays) and gives up the claim.

        False where the row is no longer claimed by `name`. Safe to repeat after an answer of the database was lost.
        """
        values: dict[str, Any] = {"claim": None, "claimed": None, "doubted": None, "refreshed": now}
        if scope is not None:
            values["scope"] = scope
        if sealed is not None:
            values |= {"sealed": sealed, "version": row.version + 1}
        with self.database.writing() as connection:
            if connection.execute(update(grants).where(_is(row), grants.c.claim == name).values(values)).rowcount:
                return True
            stored = select(grants.c.sealed).where(grants.c.owner == row.owner)
            return sealed is not None and connection.execute(stored).scalar() == sealed

    def release(self, row: Row, name: str, doubted: float | None = None) -> None:
        """Gives up the claim; `doubted`: when the refresh token was shown and not answered, if it was."""
        values: dict[str, Any] = {"claim": None, "claimed": None}
        if doubted is not None:
            values["doubted"] = doubted
        self._settle(row, name, values)

    def refuse(self, row: Row, name: str, why: str, now: float) -> None:
        """After the provider declined it: not to be used until it is put again."""
        self._settle(row, name, {"claim": None, "claimed": None, "state": REFUSED, "refused": now, "why": why})

    def reseal(self, row: Row, sealed: bytes) -> bool:
        """Stores the same refresh token, encrypted anew; False where the row has changed since."""
        with self.database.writing() as connection:
            statement = update(grants).where(_is(row), grants.c.sealed == row.sealed)
            return connection.execute(statement.values(sealed=sealed)).rowcount == 1

    def _settle(self, row: Row, name: str, values: dict[str, Any]) -> None:
        with self.database.writing() as connection:
            connection.execute(update(grants).where(_is(row), grants.c.claim == name).values(values))


def is_free(row: Row, now: float) -> bool:
    """Whether nobody has a claim on it that counts."""
    if row.claim is None or row.claimed is None:
        return True
    return row.claimed < now - LEASE or is_gone(row.claim)


def _is(row: Row) -> ColumnElement[bool]:
    return and_(grants.c.owner == row.owner, grants.c.version == row.version)


def _same_claim(row: Row) -> ColumnElement[bool]:
    return grants.c.claim.is_(None) if row.claim is None else grants.c.claim == row.claim
