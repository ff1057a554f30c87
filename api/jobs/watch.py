"""Which of the watched jobs are still there: one question to the queue for all of them, every few seconds.

However many requests of a process wait for jobs, the queue is asked at the same pace. Who finds the last answer too old asks
anew; the others go on with the old one meanwhile. While the queue cannot be asked, jobs count as they did before.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pool.errors import PoolError
from pool.session import Pool

INTERVAL = 3.0
"""Seconds for which an answer of the queue is good."""
_ENDED = (3, 4)
_BATCH = 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """What the queue said last: the job is there and has not ended (`active`), and it runs."""

    active: bool
    running: bool


_PRESUMED = Seen(True, True)


class JobWatch:
    """The watched jobs of one process. Safe to share between threads."""

    def __init__(
        self,
        statuses: Callable[[Sequence[int]], dict[int, int]],
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._statuses = statuses
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._watched: Counter[int] = Counter()
        self._seen: dict[int, Seen] = {}
        self._asked: float | None = None

    @classmethod
    def of(cls, pool: Pool) -> JobWatch:
        """A watch over the queue of `pool`."""

        def statuses(numbers: Sequence[int]) -> dict[int, int]:
            found = {}
            for start in range(0, len(numbers), _BATCH):
                wanted = " || ".join(f"ClusterId == {int(number)}" for number in numbers[start : start + _BATCH])
                ads = pool.query(wanted, ["ClusterId", "JobStatus"])
                found.update({int(ad["ClusterId"]): int(ad["JobStatus"]) for ad in ads})
            return found

        return cls(statuses)

    @contextmanager
    def watched(self, number: int) -> Iterator[Callable[[], bool]]:
        """Within the block the job is watched; gives a function that tells whether it runs."""
        self.add(number)
        try:
            yield lambda: self.seen(number).running
        finally:
            self.remove(number)

    def add(self, number: int) -> None:
        """Begins to watch a job; it counts as running until the queue says something else."""
        with self._lock:
            self._watched[number] += 1

    def remove(self, number: int) -> None:
        """Ends one watch that `add` began."""
        with self._lock:
            self._watched[number] -= 1
            if self._watched[number] <= 0:
                del self._watched[number]
                self._seen.pop(number, None)

    def seen(self, number: int) -> Seen:
        """What is known of a watched job, a few seconds old at most; this may ask the queue."""
        self._refresh()
        with self._lock:
            return self._seen.get(number, _PRESUMED)

    def _refresh(self) -> None:
        if self._fresh() or not self._asking.acquire(blocking=False):
            return
        try:
            if self._fresh():
                return
            with self._lock:
                numbers = sorted(self._watched)
            self._note(numbers, self._statuses(numbers))
        except PoolError as error:
            _log.warning("watched jobs cannot be looked up: %s", error.detail)
            self._asked = self._clock()
        finally:
            self._asking.release()

    def _fresh(self) -> bool:
        return self._asked is not None and self._clock() - self._asked < self._interval

    def _note(self, numbers: Sequence[int], statuses: dict[int, int]) -> None:
        with self._lock:
            for number in numbers:
                if number in self._watched:
                    status = statuses.get(number)
                    self._seen[number] = Seen(status not in (None, *_ENDED), status in (2, 6, 7))
        self._asked = self._clock()
