"""How transfers are made: how long they may stall, how often they are tried again, who may end them."""

from __future__ import annotations

import random
import time
from typing import Callable, NamedTuple, Optional, TypeVar

from worker.staging.errors import TransferError

T = TypeVar("T")

CHUNK = 256 * 1024
"""Bytes moved at a time."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
_PROGRESS = 1024 * 1024
_MOST_TRIES = 100


class Pace(NamedTuple):
    """When the other end counts as dead; seconds, and ``least`` bytes in each ``window``.

    ``connect`` is for one address to accept a connection, ``silence`` for any byte to come or go.
    """

    connect: float = 10.0
    silence: float = 60.0
    window: float = 60.0
    least: int = 60_000


def unheard(_done: int, _total: Optional[int]) -> None:
    """Tell nobody how far a transfer has come."""


class Terms(NamedTuple):
    """The terms of a job's transfers.

    ``check`` is called before each chunk and may raise to end everything; ``log`` takes a line. ``tries`` are those in a row
    that brought nothing. ``chance`` gives 0 to 1. ``moved`` is told how many bytes of how many (None: not known) a transfer has
    brought, ``turned_to`` the name of the next one.
    """

    check: Callable[[], None]
    log: Callable[[str], None]
    pace: Pace = Pace()
    tries: int = 6
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    moved: Callable[[int, Optional[int]], None] = unheard
    turned_to: Callable[[str], None] = lambda _name: None


def retrying(operation: Callable[[], T], terms: Terms, moved: Callable[[], int] = lambda: 0) -> T:
    """The result of ``operation``, called again while it raises TransferError, up to ``terms.tries`` times.

    ``moved`` gives the bytes that are safely at their place: a try that added a megabyte begins the count anew, so that large
    files come over lines that break often; the sum of all tries is bounded. The n-th pause in a row is FIRST_PAUSE * 2**n
    seconds, times 0.5 to 1.5, and not shorter than the other end asked for, within LONGEST_PAUSE.
    """
    number, failures, mark = 0, 0, 0
    while True:
        terms.check()
        number += 1
        try:
            return operation()
        except TransferError as error:
            if moved() >= mark + _PROGRESS:
                failures, mark = 0, moved()
            failures += 1
            if failures >= terms.tries or number >= _MOST_TRIES:
                raise
            pause = FIRST_PAUSE * 2 ** (failures - 1) * (0.5 + terms.chance())
            pause = min(max(pause, error.retry_after or 0.0), LONGEST_PAUSE)
            terms.log(f"{error.where}: {error.detail}. Next try in {pause:.1f} s.")
        terms.sleep(pause)
