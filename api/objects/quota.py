"""How much each owner stores: counted from a listing, remembered for a moment, so that many uploads cost one count.

What other processes accept meanwhile is seen when the count is renewed, and links that were given out are not counted before
they are used: an owner may end up above the limits by what goes in within that time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from api.objects.errors import QuotaExceeded
from api.objects.store import Store

_FRESH = 30.0
"""Seconds for which a count is believed."""
_OWNERS = 1000
"""How many counts are remembered."""


@dataclass(frozen=True, slots=True)
class _Count:
    since: float
    size: int
    objects: int


class Quota:
    """At most `limit` bytes and `objects` objects below each owner's prefix. Safe to use from many threads.

    `clock` gives seconds.
    """

    def __init__(self, store: Store, *, limit: int, objects: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._limit = limit
        self._objects = objects
        self._clock = clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def room(self, prefix: str) -> int:
        """How many more bytes may be stored below `prefix`, at least 1; QuotaExceeded, StorageUnavailable."""
        count = self._recent(prefix) or self._counted(prefix)
        if count.size >= self._limit:
            raise QuotaExceeded(count.size, self._limit, "bytes")
        if count.objects >= self._objects:
            raise QuotaExceeded(count.objects, self._objects, "objects")
        return self._limit - count.size

    def add(self, prefix: str, size: int) -> None:
        """Counts an object of `size` bytes that was stored just now."""
        with self._lock:
            count = self._counts.get(prefix)
            if count is not None:
                self._counts[prefix] = _Count(count.since, count.size + size, count.objects + 1)

    def forget(self, prefix: str) -> None:
        """Something was deleted: the next question counts again."""
        with self._lock:
            self._counts.pop(prefix, None)

    def _recent(self, prefix: str) -> _Count | None:
        with self._lock:
            count = self._counts.get(prefix)
            return count if count is not None and 0 <= self._clock() - count.since < _FRESH else None

    def _counted(self, prefix: str) -> _Count:
        since, size, objects = self._clock(), 0, 0
        for stored in self._store.listing(prefix):
            size += stored.size
            objects += 1
        count = _Count(since, size, objects)
        with self._lock:
            self._counts[prefix] = count
            self._counts.move_to_end(prefix)
            while len(self._counts) > _OWNERS:
                self._counts.popitem(last=False)
        return count
