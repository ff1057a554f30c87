"""What was found out about a token a moment ago, so that a client's many requests with one token cost one look."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

Finding = TypeVar("Finding")


@dataclass(frozen=True, slots=True)
class _Seen(Generic[Finding]):
    finding: Finding
    since: float
    until: float


class RecentTokens(Generic[Finding]):
    """Token -> what was found out about it, for `lifetime` seconds and never beyond the token's expiry; at most `size` of them.

    Tokens themselves are not kept, only their SHA-256. Safe to use from many threads. The lifetime is also
    how long a token is still accepted after its issuer has withdrawn the key; 0 keeps nothing.
    """

    def __init__(self, size: int, lifetime: float) -> None:
        self._size = size
        self._lifetime = lifetime
        self._seen: OrderedDict[bytes, _Seen[Finding]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, token: str, now: float) -> Finding | None:
        """What was found out about this token recently, if anything. `now` in epoch seconds."""
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
            return seen.finding

    def put(self, token: str, finding: Finding, now: float, expires: float) -> None:
        """Remember a verified token that expires at `expires`, epoch seconds; the least used makes room."""
        until = min(now + self._lifetime, expires)
        if until <= now:
            return
        digest = _digest(token)
        with self._lock:
            self._seen[digest] = _Seen(finding, now, until)
            self._seen.move_to_end(digest)
            while len(self._seen) > self._size:
                self._seen.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
