"""Access tokens in memory, until shortly before their end. Safe to use from many threads; they are written nowhere."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field

_MARGIN = 60.0
"""Seconds before the end of an access token from which on a new one is fetched: who is given it still has time to use it."""
_SHARE = 0.2
"""Of the life of an access token that the margin is at most."""
_LAST = 5.0
"""Seconds before its end from which on it is not given any more, even where a new one cannot be had."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token: good from `since` to `until` (epoch seconds), received at `tick` of a clock that never goes back."""

    text: str = field(repr=False)
    since: float
    until: float
    tick: float

    def is_fresh(self, now: float) -> bool:
        """Whether it is not yet time for a new one. A clock that was set back does not make it live longer."""
        margin = min(_MARGIN, _SHARE * (self.until - self.since))
        return self.since <= now < self.until - margin

    def is_good(self, now: float) -> bool:
        """Whether it will be accepted for a moment more."""
        return self.since <= now < self.until - _LAST


class Tokens:
    """The access token of each owner, and the lock under which it is fetched: one thread does so at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[str, Token] = {}
        self._fetching: dict[str, threading.Lock] = {}

    def get(self, owner: str) -> Token | None:
        """The token that was put last, whatever its age."""
        with self._lock:
            return self._tokens.get(owner)

    def put(self, owner: str, token: Token) -> None:
        """Keeps a token instead of the one before."""
        with self._lock:
            self._tokens[owner] = token

    def drop(self, owner: str) -> None:
        """Forgets an owner's token."""
        with self._lock:
            self._tokens.pop(owner, None)

    def keep(self, owners: Collection[str]) -> None:
        """Forgets the tokens of all others, and their locks unless somebody fetches one."""
        with self._lock:
            for owner in self._tokens.keys() - set(owners):
                del self._tokens[owner]
            for owner in self._fetching.keys() - set(owners):
                if not self._fetching[owner].locked():
                    del self._fetching[owner]

    def fetching(self, owner: str) -> threading.Lock:
        """The lock of whoever fetches a token for this owner."""
        with self._lock:
            return self._fetching.setdefault(owner, threading.Lock())
