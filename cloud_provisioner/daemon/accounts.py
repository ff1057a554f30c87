"""The accounts of a place: one for each user whose rights are used, opened at the first call and closed when of no more use.

Each keeps connections to several services, and a process has few: users come, and go, for as long as it runs.

Races thought of:
- An account is to be closed while a call is made with it: the call's end closes it.
- A call that was begun before all are closed comes to its account after that: it closes what it has opened.
- Two threads want a user's first account at once: one opens it, which takes no call, and the other one waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cloud_provisioner.drivers.contract import Account

IDLE = 600.0
"""Seconds without a call after which a user's account is closed: signing in again costs two requests."""


@dataclass
class _Open:
    account: Account
    used_at: float
    calls: int = 0
    """Under way."""


class Accounts:
    """Accounts by user, None for the service's own; safe to share between threads. `connect` opens one; `ticks` never go
    back."""

    def __init__(
        self, connect: Callable[[str | None], Account], idle: float = IDLE, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._connect = connect
        self._idle = idle
        self._ticks = ticks
        self._lock = threading.Lock()
        self._open: dict[str | None, _Open] = {}
        self._closed = False

    @contextmanager
    def of(self, user: str | None) -> Iterator[Account]:
        """A user's account, for one call. Raises what `connect` raises."""
        with self._lock:
            one = self._open.get(user)
            if one is None:
                one = self._open[user] = _Open(self._connect(user), self._ticks())
            one.calls += 1
        try:
            yield one.account
        finally:
            with self._lock:
                one.calls -= 1
                one.used_at = self._ticks()
                if self._closed:
                    self._open.pop(user, None)
                of_no_use = one.calls == 0 and self._open.get(user) is not one
            if of_no_use:
                one.account.close()

    def tidy(self, lenders: Collection[str], owners: Collection[str]) -> None:
        """Closes what users who lend rights have not needed for a while, and at once what others have left behind.

        `owners` have servers there. Of one who lends no rights any more, the account stays: what the cloud gave for them may
        still be good for deleting the servers, and cannot be had again.
        """
        now = self._ticks()
        with self._lock:
            for user, one in tuple(self._open.items()):
                if user is None or (user in owners and user not in lenders):
                    continue
                if user not in lenders or now - one.used_at > self._idle:
                    self._drop(user, one)

    def close(self) -> None:
        """Closes them all; one that a later call needs still is opened for that call alone."""
        with self._lock:
            self._closed = True
            for user, one in tuple(self._open.items()):
                self._drop(user, one)

    def _drop(self, user: str | None, one: _Open) -> None:
        if one.calls == 0:
            one.account.close()
        # Else the end of the last call does.
        del self._open[user]
