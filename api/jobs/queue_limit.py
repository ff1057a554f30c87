"""How many jobs a user may have in the queue.

The schedd counts each user's jobs, and asking it costs a round trip; so the answer is used again for 10 s at most, and for a
small part of the submissions that were still allowed. Several processes may so let a user go over by less than what was
still allowed when they last asked, and never by more than they submit in 10 s.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from api.errors import TooManyJobs

_AGE = 10.0
"""Seconds for which a count is used."""
_SHARE = 16
"""One process uses this part of what is still allowed before it asks again."""
_MOST_USERS = 10_000


@dataclass
class _Count:
    until: float
    allowed: int


class QueueLimit:
    """At most `most` jobs a user. `count` asks the queue; `clock` gives seconds that never go back."""

    def __init__(self, most: int, count: Callable[[str], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._count = count
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def check(self, owner: str) -> None:
        """Counts a submission of `owner`; raises TooManyJobs where that is one too many."""
        now = self._clock()
        with self._lock:
            known = self._counts.get(owner)
            if known is not None and now < known.until and known.allowed > 0:
                known.allowed -= 1
                return
        left = self._most - self._count(owner)
        if left <= 0:
            raise TooManyJobs(self._most)
        with self._lock:
            self._counts[owner] = _Count(now + _AGE, left // _SHARE)
            self._counts.move_to_end(owner)
            if len(self._counts) > _MOST_USERS:
                self._counts.popitem(last=False)
