"""Users' grants as the rest of the service sees them: put, drop, who has one that is usable, and access tokens.

Races and failures thought of:

- Many threads want a token of one user at once: one fetches it, the others wait and are given the same one.
- Several processes do: the row is claimed first (see `rows`), so one shows the refresh token, and the next one shows its
  successor.
- The provider is down, slow or confused: the token that is held serves while it lasts; then the caller hears at once, for
  QUIET seconds without another question, that there is none at the moment. The grant stays usable.
- The database goes away between the provider's answer and the writing: the new refresh token stays in memory, and is
  written at the next call for any user; until then no access token that came with it is given out.
- The process is killed, or the network breaks, after the refresh token was sent and before its outcome is stored: where the
  provider lets a refresh token be used once, the grant is lost, unless it allows a second use for some seconds, as many do.
  The moment is as long as the provider takes to answer, and one transaction, once in an access token's life. Nothing more can
  be done about it here: who comes next shows the only token there is, at once where the first one is seen to be dead, and if
  that is refused, the reason says that an answer was lost. A process that ends orderly waits for its refreshes (`close`).
- The process stands still after it has claimed a row: when it goes on it looks at the time once more, right before it
  shows the token; a claim that is not fresh any more is given up.
- A grant is put or dropped while it is refreshed: what was put or dropped holds.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

from database.transactions import Database
from identity.caller import owner_of
from identity.claims import LARGEST_TOKEN, is_text
from identity.grants.endpoint import TokenEndpoint
from identity.grants.errors import GrantUnavailable, IssuerNotServed, NotAGrant
from identity.grants.held import Tokens
from identity.grants.refreshing import Refresher
from identity.grants.rows import Row, Rows
from identity.grants.sealing import Keys, Sealed, add_key, drop_keys
from identity.grants.settings import GrantSettings
from identity.grants.tables import SCHEMA, USABLE

PATIENCE = 40.0
"""Seconds that a caller waits for another thread that fetches the same token."""


class Grants:
    """The grants of all users; safe to share between threads. Made without touching database, keys or providers.

    Methods raise DatabaseError where the database is away, Misconfigured where the key file cannot be used. `clock` gives
    epoch seconds, `ticks` seconds that never go back.
    """

    def __init__(
        self,
        settings: GrantSettings,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database = Database(settings.database.get_secret_value(), SCHEMA)
        self._settings = settings
        self._clock = clock
        self._ticks = ticks
        self._rows = Rows(self.database)
        self._tokens = Tokens()
        endpoints = {each.issuer: TokenEndpoint(each, ticks) for each in settings.issuers}
        self._refresher = Refresher(self._rows, settings.key_file, endpoints, clock, ticks)

    def put(self, issuer: str, subject: str, refresh_token: str, scope: str = "") -> str:
        """Stores what a user lent to the service, instead of what is there; the user's HTCondor Owner.

        NotAGrant: no refresh token, no user. IssuerNotServed: no client for the issuer. Putting the same token again
        changes nothing, unless it was refused.
        """
        if issuer not in {each.issuer for each in self._settings.issuers}:
            raise IssuerNotServed(issuer)
        if not is_text(subject):
            raise NotAGrant("a subject is 1 to 255 printable characters")
        if not 0 < len(refresh_token) <= LARGEST_TOKEN or not (refresh_token.isascii() and refresh_token.isprintable()):
            raise NotAGrant(f"a refresh token is 1 to {LARGEST_TOKEN} visible ASCII characters")
        owner = owner_of(issuer, subject, self._settings.primary_issuer)
        sealed = Keys.of(self._settings.key_file).seal(Sealed(issuer, subject, refresh_token))
        origin = hashlib.sha256(refresh_token.encode()).digest()
        self._rows.put(Row(issuer, subject, owner, sealed, origin, scope, USABLE, self._clock(), version=0))
        self._tokens.drop(owner)
        return owner

    def drop(self, owner: str) -> bool:
        """Forgets a grant, here alone: the provider is not told. Whether there was one."""
        self._tokens.drop(owner)
        return self._rows.drop(owner)

    def usable(self) -> frozenset[str]:
        """Owners whose grants can be used, as far as is known: of issuers that are configured, and not refused."""
        self._refresher.write_down()
        found = self._rows.usable([each.issuer for each in self._settings.issuers])
        self._tokens.keep(found)
        return found

    def every(self) -> Sequence[Row]:
        """All grants as they are stored, by owner."""
        return self._rows.every()

    def access_token(self, owner: str, fresh: bool = False) -> str:
        """An access token of this user, good for some seconds at least; `fresh`: one that nobody had before this call.

        GrantMissing, GrantRefused: a new one must be put. GrantUnavailable: later perhaps. GrantUnreadable, ClientRefused,
        IssuerNotServed, Misconfigured: the administrator's matter.
        """
        asked = self._ticks()
        held = self._tokens.get(owner)
        if held is not None and not fresh and held.is_fresh(self._clock()):
            return held.text
        lock = self._tokens.fetching(owner)
        if not lock.acquire(timeout=PATIENCE):
            raise GrantUnavailable(owner, "another thread still waits for its provider")
        try:
            return self._fetched(owner, fresh, asked)
        finally:
            lock.release()

    def rotate(self) -> tuple[int, Sequence[str]]:
        """Makes a new key, and encrypts all grants with it; how many those are, and owners of unreadable ones. OSError.

        Where the database cannot be used no key is made, so that trying again does not fill the key file.
        The key before stays in the key file until the next rotation: a grant that is stored at this very moment may be
        encrypted with it. All earlier ones are taken out, unless there is a grant that cannot be read.
        """
        self.database.check()
        add_key(self._settings.key_file)
        keys = Keys.of(self._settings.key_file)
        done, unreadable = 0, []
        for row in self._rows.every():
            token = keys.unseal(row.sealed, row.issuer, row.subject)
            if token is None:
                unreadable.append(row.owner)
            else:
                done += self._rows.reseal(row, keys.seal(Sealed(row.issuer, row.subject, token)))
        if not unreadable:
            drop_keys(self._settings.key_file)
        return done, unreadable

    def close(self) -> None:
        """Waits until the refreshes under way are stored, half a minute at most, and closes the connections to the database.

        It is not used after this. To be called before the process ends: whoever ends in the middle of a refresh may lose
        the grant.
        """
        try:
            self._refresher.end()
        finally:
            self.database.close()

    def _fetched(self, owner: str, fresh: bool, asked: float) -> str:
        held = self._tokens.get(owner)
        # Another thread may have fetched one while this one waited.
        if held is not None and held.is_fresh(self._clock()) and (not fresh or held.tick >= asked):
            return held.text
        try:
            token = self._refresher.fetch(owner)
        except GrantUnavailable:
            if held is not None and not fresh and held.is_good(self._clock()):
                return held.text
            raise
        self._tokens.put(owner, token)
        return token.text
