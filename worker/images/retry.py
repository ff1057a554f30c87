"""Tries again what failed for a passing reason, each time after a longer, random pause."""

from __future__ import annotations

import random
import time
from typing import Callable, TypeVar

from worker.images.errors import ImageError, ImageRateLimitError

T = TypeVar("T")

TRIES = 3
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
PATIENCE = 90.0
"""Seconds after the first try within which a third or later one may begin: who lets tries run into timeouts gets two."""


def retrying(
    operation: Callable[[], T],
    log: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = random.random,
    tries: int = TRIES,
    now: Callable[[], float] = time.monotonic,
) -> T:
    """The result of ``operation``, called up to ``tries`` times while it raises a transient ImageError.

    The n-th pause is FIRST_PAUSE * 2**n seconds, times 0.5 to 1.5 by ``chance`` (0 to 1), and not shorter than a server
    asked for, within LONGEST_PAUSE. Only the second begins later than PATIENCE seconds after the first; ``now`` gives seconds.
    """
    latest = now() + PATIENCE
    for number in range(tries - 1):
        try:
            return operation()
        except ImageError as error:
            if not error.transient:
                raise
            pause = _pause(error, number, chance())
            if number > 0 and now() + pause > latest:
                raise
            log(f"{error.message} Next try in {pause:.1f} s.")
            sleep(pause)
    return operation()


def _pause(error: ImageError, number: int, chance: float) -> float:
    pause = FIRST_PAUSE * (1 << number) * (0.5 + chance)
    asked = error.retry_after if isinstance(error, ImageRateLimitError) else None
    return min(max(pause, asked or 0.0), LONGEST_PAUSE)
