"""What Prometheus is told of messages. The database is asked at each look; while it is away there is no number (NaN)."""

from __future__ import annotations

import math
from collections.abc import Callable

from api.metrics import Reading
from api.notifications.outbox import WAITING, Outbox, State
from database.errors import DatabaseError


def readings(outbox: Outbox, clock: Callable[[], float]) -> list[Reading]:
    """The gauges of the messages in `outbox`."""

    def number(of: Callable[[dict[State, int]], int]) -> Callable[[], float]:
        return _unless_away(lambda: float(of(outbox.counts())))

    def oldest() -> float:
        since = outbox.oldest()
        return 0.0 if since is None else max(0.0, clock() - since)

    return [
        (
            "prominence_mail_queued",
            "Messages to users that wait to be sent.",
            number(lambda counts: sum(counts[state] for state in WAITING)),
        ),
        (
            "prominence_mail_oldest_seconds",
            "How long the first of the messages that wait has waited.",
            _unless_away(oldest),
        ),
        (
            "prominence_mail_sent",
            "Messages that were sent in the last 30 days.",
            number(lambda counts: counts[State.SENT]),
        ),
        (
            "prominence_mail_failed",
            "Messages that were given up in the last 30 days.",
            number(lambda counts: counts[State.FAILED]),
        ),
    ]


def _unless_away(look: Callable[[], float]) -> Callable[[], float]:
    def looked() -> float:
        try:
            return look()
        except DatabaseError:
            return math.nan

    return looked
