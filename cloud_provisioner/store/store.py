"""What the process that has the lease writes and reads."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from cloud_provisioner.planning.past import Past
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.store.health import SiteHealth, facts_of
from cloud_provisioner.store.lease import Lease
from cloud_provisioner.store.lessons import changes, past_of, rows_of
from cloud_provisioner.store.reader import intents_in, past_in, wish_of
from cloud_provisioner.store.rows import row_of
from cloud_provisioner.store.tables import intents, past, sites, wishes
from cloud_provisioner.store.wishes import Wish
from database.transactions import Database

KEPT = 7 * 24 * 3600.0
"""Seconds for which a wish is kept after it was done."""


class Store:
    """The records of servers, and what goes with them. For one thread.

    What writes does it in one transaction: it is stored as a whole when the call returns. It raises LeaseLost, and
    DatabaseUnavailable or DatabaseRefused; then nothing was stored, or the next write raises LeaseLost. Then take the
    lease again, and `load`.
    """

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease
        self._past: dict[str, str] | None = None

    def load(self) -> tuple[dict[str, Intent], Past]:
        """All records by uuid, and what boots taught: the last word on them where the lease was taken before.

        DatabaseUnavailable, WrongRevision, StoreUnreadable.
        """
        with self._database.reading() as connection:
            found = intents_in(connection)
            self._past = past_in(connection)
        return {intent.uuid: intent for intent in found}, past_of(self._past.items())

    def write(self, intents: Iterable[Intent] = (), forget: Iterable[str] = (), past: Past | None = None) -> None:
        """Writes records, new or changed ones, removes those whose uuids are in `forget`, and writes a past if one is given.

        Of the past only what has changed since the last call is sent. Nothing to do costs nothing.
        """
        gone = sorted(set(forget))
        rows = [row_of(intent) for intent in intents if intent.uuid not in gone]
        wanted = rows_of(past) if past is not None else None
        if wanted is not None and wanted == self._past:
            wanted = None
        if not rows and not gone and wanted is None:
            return
        with self._lease.writing() as connection:
            self._upsert(connection, rows)
            _remove(connection, gone)
            if wanted is not None:
                self._write_past(connection, wanted)
        if wanted is not None:
            self._past = wanted

    def publish(self, health: Iterable[SiteHealth]) -> None:
        """Says how the places do: these, and no others."""
        rows = [{"place": one.place, "site": one.site, "at": one.at, "facts": facts_of(one)} for one in health]
        with self._lease.writing() as connection:
            connection.execute(delete(sites))
            if rows:
                connection.execute(insert(sites), rows)

    def wishes(self) -> tuple[Wish, ...]:
        """What admins have asked for and was not done yet, the oldest first. DatabaseUnavailable, StoreUnreadable."""
        waiting = select(wishes).where(wishes.c.done_at.is_(None)).order_by(wishes.c.number)
        with self._database.reading() as connection:
            return tuple(wish_of(row) for row in connection.execute(waiting))

    def done(self, numbers: Iterable[int], now: float) -> None:
        """Notes that wishes were taken up, and forgets those that were long ago."""
        settled = [{"settled": number} for number in numbers]
        if not settled:
            return
        with self._lease.writing() as connection:
            note = update(wishes).where(wishes.c.number == bindparam("settled")).values(done_at=now)
            connection.execute(note, settled)
            connection.execute(delete(wishes).where(wishes.c.done_at < now - KEPT))

    def _upsert(self, connection: Connection, rows: list[dict[str, object]]) -> None:
        if rows:
            made = self._database.insert(intents)
            new = {column.name: made.excluded[column.name] for column in intents.columns if not column.primary_key}
            connection.execute(made.on_conflict_do_update(index_elements=[intents.c.uuid], set_=new), rows)

    def _write_past(self, connection: Connection, wanted: dict[str, str]) -> None:
        before = self._past if self._past is not None else past_in(connection)
        written, dropped = changes(before, wanted)
        if written:
            made = self._database.insert(past)
            new = {"lesson": made.excluded["lesson"]}
            connection.execute(made.on_conflict_do_update(index_elements=[past.c.scope], set_=new), written)
        if dropped:
            remove = delete(past).where(past.c.scope == bindparam("dropped"))
            connection.execute(remove, [{"dropped": scope} for scope in dropped])


def _remove(connection: Connection, uuids: list[str]) -> None:
    if uuids:
        remove = delete(intents).where(intents.c.uuid == bindparam("gone"))
        connection.execute(remove, [{"gone": uuid} for uuid in uuids])
