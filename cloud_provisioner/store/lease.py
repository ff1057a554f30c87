"""The lease: of all processes that act for one service, one writes and calls clouds at a time.

Races thought of:
- A process is stopped for longer than its lease and goes on: by a clock that counted meanwhile it knows that its time is
  over, so it sends nothing; and what it writes is refused, since each transaction first locks the lease's row and looks
  whose it is.
- It is stopped in the middle of a transaction: the row stays locked, so nobody takes the lease until that transaction has
  ended, one way or the other.
- A commit whose answer was lost may have been stored: the row counts the writes, and where it has one more than this
  process knows of, the process is told to read the records anew, as if it had lost the lease.
- A process was killed and starts again: the lease of an earlier process of the same name is taken over at once. Should that
  one still be there, it is the one that loses, and it waits for the end of the lease as any other does: two processes that
  were given one name by mistake do not take it from each other again and again.
- Clocks of machines differ, or are set: who is ahead takes over early, from a holder whose next write is refused; who is
  behind takes over late. Never do both write.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Row, select, update

from cloud_provisioner.errors import LeaseLost
from cloud_provisioner.store.tables import lease
from database.transactions import Database

_TRUSTED = 0.8
"""Share of its time for which the holder relies on a lease: what it sends at the end of that arrives within the rest."""
_OVER = "its lease has run out"


def running_clock() -> float:
    """Seconds of a clock that is never set, and that goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class _Held:
    generation: int
    writes: int
    until: float
    """By the calendar's clock."""
    until_running: float
    """By the clock that is never set."""


@dataclass(frozen=True, slots=True)
class _Until:
    """The ends of a lease that begins now: the one that others are told, and those that its holder relies on."""

    row: float
    wall: float
    running: float


class Lease:
    """The right to write and to act for the service `name`, held by `holder` for `seconds` at a time.

    `holder` names an instance, a restarted one as before, and no other. `wall` gives epoch seconds, `running` those of a
    clock that is never set. Safe to share between threads. All but `valid` raise DatabaseUnavailable, WrongRevision.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        holder: str,
        seconds: float,
        wall: Callable[[], float] = time.time,
        running: Callable[[], float] = running_clock,
    ) -> None:
        self.name = name
        self.holder = holder
        self.seconds = seconds
        self._database = database
        self._wall = wall
        self._running = running
        self._one_at_a_time = threading.Lock()
        self._held: _Held | None = None
        self._generation: int | None = None

    @property
    def generation(self) -> int | None:
        """The number of the lease that is held or was held last, greater than all before it; None before the first."""
        return self._generation

    def valid(self) -> bool:
        """Whether this process may act now. Asks no database, and never waits."""
        held = self._held
        return held is not None and self._wall() < held.until and self._running() < held.until_running

    def acquire(self) -> bool:
        """Takes the lease if nobody else has it, as a new generation; whether it did."""
        with self._one_at_a_time:
            self._held = None
            until = self._until()
            with self._database.writing() as connection:
                row = self._row(connection)
                if row is None:
                    first = {"holder": "", "generation": 0, "until": 0.0, "writes": 0}
                    fresh = self._database.insert(lease).values(name=self.name, **first).on_conflict_do_nothing()
                    connection.execute(fresh)
                    row = self._row(connection)
                if row is None or not self._free(row):
                    return False
                generation = row.generation + 1
                self._set(connection, holder=self.holder, generation=generation, until=until.row)
            self._generation = generation
            self._held = _Held(generation, row.writes, until.wall, until.running)
            return True

    def renew(self) -> None:
        """Begins the time of the lease anew. LeaseLost."""
        with self._one_at_a_time:
            until = self._until()
            with self._checked() as (connection, held):
                self._set(connection, until=until.row)
            self._held = replace(held, until=until.wall, until_running=until.running)

    def release(self) -> None:
        """Gives the lease back, so that another process need not wait for its end. Nothing where it is not held."""
        with self._one_at_a_time:
            held, self._held = self._held, None
            if held is None:
                return
            with self._database.writing() as connection:
                row = self._row(connection)
                if row is not None and self._ours(row, held.generation):
                    self._set(connection, until=0.0)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is stored at its end only if the lease was held all the while. LeaseLost, DatabaseRefused."""
        with self._one_at_a_time:
            with self._checked() as (connection, held):
                self._set(connection, writes=held.writes + 1)
                yield connection
            self._held = replace(held, writes=held.writes + 1)

    @contextmanager
    def _checked(self) -> Iterator[tuple[Connection, _Held]]:
        held = self._held
        if held is None:
            raise self._lost("it does not hold the lease")
        try:
            if not self.valid():
                raise self._lost(_OVER)
            with self._database.writing() as connection:
                row = self._row(connection)
                self._look_at(row, held)
                yield connection, held
        except LeaseLost:
            self._held = None
            raise

    def _look_at(self, row: Row[tuple[object, ...]] | None, held: _Held) -> None:
        if row is None:
            raise self._lost("there is no lease any more")
        if not self._ours(row, held.generation):
            who = "a later process of that name" if row.holder == self.holder else row.holder
            raise self._lost(f"{who} has the lease")
        if row.writes != held.writes:
            raise self._lost("a write was stored of which the database could not say so")
        # It may have waited for the row, or an operator has ended the lease there.
        if self._wall() >= row.until or not self.valid():
            raise self._lost(_OVER)

    def _free(self, row: Row[tuple[object, ...]]) -> bool:
        ours = row.holder == self.holder and self._generation in (None, row.generation)
        return ours or bool(self._wall() >= row.until)

    def _ours(self, row: Row[tuple[object, ...]], generation: int) -> bool:
        return bool(row.holder == self.holder and row.generation == generation)

    def _row(self, connection: Connection) -> Row[tuple[object, ...]] | None:
        """The lease's row, locked until the transaction ends."""
        return connection.execute(select(lease).where(lease.c.name == self.name).with_for_update()).one_or_none()

    def _set(self, connection: Connection, **values: object) -> None:
        connection.execute(update(lease).where(lease.c.name == self.name).values(values))

    def _until(self) -> _Until:
        # Before the database is asked: its answer may take long.
        wall, running = self._wall(), self._running()
        trusted = self.seconds * _TRUSTED
        return _Until(wall + self.seconds, wall + trusted, running + trusted)

    def _lost(self, why: str) -> LeaseLost:
        return LeaseLost(self.name, self.holder, why)
