"""One refresh: the row is claimed, the refresh token shown once, and what comes of it stored; see `access` for the races."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from database.errors import DatabaseUnavailable
from identity.grants.claimants import new_claimant
from identity.grants.endpoint import LONGEST, Declined, Given, Rejected, TokenEndpoint, Unanswered
from identity.grants.errors import (
    ClientRefused,
    GrantMissing,
    GrantRefused,
    GrantUnavailable,
    GrantUnreadable,
    IssuerNotServed,
)
from identity.grants.held import Token
from identity.grants.rows import LEASE, Row, Rows, is_free
from identity.grants.sealing import Keys, Sealed
from identity.grants.tables import REFUSED

QUIET = 5.0
"""Seconds without a question to a provider after one that was not answered."""
_WAIT = 10.0
"""Seconds for which another process's refresh is waited for."""
_LOOK = 0.1
_WRITING = 5.0
"""Seconds for which the writing of a new refresh token is tried, before the caller is told."""

# Whoever claimed a row at its latest is done before anybody else may claim it.
assert 2 * LONGEST < LEASE  # noqa: S101


@dataclass(frozen=True, slots=True)
class _Result:
    """What is to be written after a refresh: all but `row` and `name` as in `Rows.renew`."""

    row: Row
    name: str
    sealed: bytes | None
    scope: str | None
    at: float


class Refresher:
    """Fetches access tokens; safe to share between threads, one at a time for each owner."""

    def __init__(
        self,
        rows: Rows,
        key_file: Path,
        endpoints: Mapping[str, TokenEndpoint],
        clock: Callable[[], float],
        ticks: Callable[[], float],
    ) -> None:
        self._rows = rows
        self._key_file = key_file
        self._endpoints = endpoints
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._under_way = 0
        self._idle = threading.Condition(self._lock)
        self._ending = False
        self._unwritten: dict[str, _Result] = {}
        self._quiet: dict[str, tuple[float, Rejected | Unanswered]] = {}

    def fetch(self, owner: str) -> Token:
        """A new access token; raises as `Grants.access_token` does."""
        with self._lock:
            if self._ending:
                raise GrantUnavailable(owner, "this process is ending")
            self._under_way += 1
        try:
            return self._fetch(owner)
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def end(self) -> None:
        """Begins no more refreshes, waits for those under way, LONGEST at most, and writes what is not yet written.

        A process that ends without this may take a refresh token with it. DatabaseError.
        """
        with self._idle:
            self._ending = True
            self._idle.wait_for(lambda: self._under_way == 0, LONGEST)
        self.write_down()

    def _fetch(self, owner: str) -> Token:
        self.write_down()
        # Read before anything is shown: afterwards it would be too late to find out that they cannot be used.
        keys = Keys.of(self._key_file)
        name = new_claimant()
        row, refresh_token = self._claimed(owner, name, keys)
        if self._clock() - (row.claimed or 0) > LONGEST:
            self._rows.release(row, name)
            raise GrantUnavailable(owner, "this process stood still")
        answer = self._endpoints[row.issuer].refresh(refresh_token)
        match answer:
            case Given():
                return self._given(row, name, answer, keys)
            case Declined():
                raise self._refused(row, name, answer.why)
        doubtful = isinstance(answer, Unanswered) and answer.doubtful
        self._rows.release(row, name, self._clock() if doubtful else None)
        raise self._failed(row, answer)

    def write_down(self) -> None:
        """Writes what could not be written before. DatabaseError."""
        with self._lock:
            waiting = list(self._unwritten.values())
        for result in waiting:
            self._write(result)

    def _claimed(self, owner: str, name: str, keys: Keys) -> tuple[Row, str]:
        """The row, claimed, and its refresh token; waits a while where another process has claimed it."""
        deadline = self._ticks() + _WAIT
        while True:
            row = self._ready(owner)
            refresh_token = keys.unseal(row.sealed, row.issuer, row.subject)
            if refresh_token is None:
                raise GrantUnreadable(owner)
            now = self._clock()
            if is_free(row, now) and self._rows.claim(row, name, now):
                # Whoever claimed it before never said what came of it.
                doubted = row.doubted if row.claim is None else row.claimed
                return replace(row, claim=name, claimed=now, doubted=doubted), refresh_token
            if self._ticks() > deadline:
                raise GrantUnavailable(owner, "another process is refreshing it")
            time.sleep(_LOOK)

    def _ready(self, owner: str) -> Row:
        """The row of a grant that can be shown to its provider now."""
        row = self._rows.find(owner)
        if row is None:
            raise GrantMissing(owner)
        if row.state == REFUSED:
            raise GrantRefused(owner, row.refused or row.created, row.why or "no reason is known")
        endpoint = self._endpoints.get(row.issuer)
        if endpoint is None:
            raise IssuerNotServed(row.issuer)
        with self._lock:
            until, failure = self._quiet.get(row.issuer, (0.0, None))
        if failure is not None and self._ticks() < until:
            raise _error(row, failure)
        unanswered = endpoint.prepare()
        if unanswered is not None:
            raise self._failed(row, unanswered)
        return row

    def _given(self, row: Row, name: str, given: Given, keys: Keys) -> Token:
        tick, now = self._ticks(), self._clock()
        if given.subject not in (None, row.subject):
            raise self._refused(row, name, "it is another person's")
        sealed = None
        if given.refresh_token is not None:
            sealed = keys.seal(Sealed(row.issuer, row.subject, given.refresh_token))
        if not self._stored(_Result(row, name, sealed, given.scope, now)):
            raise GrantUnavailable(row.owner, "it was replaced or dropped a moment ago")
        return Token(given.access_token, now, now + given.seconds, tick)

    def _stored(self, result: _Result) -> bool:
        """Writes it, and tries again for a while where the database is away; then DatabaseUnavailable.

        Where the refresh token has not changed nothing is lost without this, and nobody waits.
        """
        with self._lock:
            self._unwritten[result.row.owner] = result
        deadline = self._ticks() + _WRITING
        while True:
            try:
                return self._write(result)
            except DatabaseUnavailable:
                if result.sealed is None:
                    return True
                if self._ticks() > deadline:
                    raise
            time.sleep(_LOOK)

    def _write(self, result: _Result) -> bool:
        done = self._rows.renew(result.row, result.name, result.sealed, result.scope, result.at)
        with self._lock:
            if self._unwritten.get(result.row.owner) is result:
                del self._unwritten[result.row.owner]
        return done

    def _refused(self, row: Row, name: str, why: str) -> GrantRefused:
        now = self._clock()
        if row.doubted is not None:
            when = datetime.fromtimestamp(row.doubted, UTC).isoformat(" ", "seconds")
            why = f"{why}; a refresh at {when} had no answer, which may have used it up"
        self._rows.refuse(row, name, why, now)
        return GrantRefused(row.owner, now, why)

    def _failed(self, row: Row, failure: Rejected | Unanswered) -> GrantUnavailable | ClientRefused:
        with self._lock:
            self._quiet[row.issuer] = (self._ticks() + QUIET, failure)
        return _error(row, failure)


def _error(row: Row, failure: Rejected | Unanswered) -> GrantUnavailable | ClientRefused:
    if isinstance(failure, Rejected):
        return ClientRefused(row.issuer, failure.code)
    return GrantUnavailable(row.owner, f"{row.issuer}: {failure.why}")
