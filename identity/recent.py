"""Tokens verified a moment ago, so that a client's many requests with one token cost one verification."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

from identity.caller import Caller


@dataclass(frozen=True, slots=True)
class _Seen:
    caller: Caller
    since: float
    until: float


class RecentTokens:
    """Token -> caller, for `lifetime` seconds and never beyond the token's expiry; at most `size` of them.

    Tokens themselves are not kept, only their SHA-256. Safe to use from many threads. The lifetime is also
    how long a token is still accepted after its issuer has withdrawn the key; 0 keeps nothing.
    """

    def __init__(self, size: int, lifetime: float) -> None:
        self._size = size
        self._lifetime = lifetime
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, token: str, now: float) -> Caller | None:
        """Whose token this is, where that was found out recently. `now` in epoch seconds."""
        digest = _digest(token)
        with self._lock:
            seen = self._seen.get(digest)
            if seen is None:
                return None
            # A clock that was set back must not make an entry live longer.
            if not seen.since <= now < seen.until:
                del self._seen[digest]
                return None
            self._seen.move_to_end(digest)
            return seen.caller

    def put(self, token: str, caller: Caller, now: float, expires: float) -> None:
        """Remember a verified token that expires at `expires`, epoch seconds; the least used makes room."""
        until = min(now + self._lifetime, expires)
        if until <= now:
            return
        digest = _digest(token)
        with self._lock:
            self._seen[digest] = _Seen(caller, now, until)
            self._seen.move_to_end(digest)
            while len(self._seen) > self._size:
                self._seen.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
