"""What Prometheus is told of the recorder. Looked up among the files of finished jobs at each look."""

from __future__ import annotations

from collections.abc import Callable

from api.metrics import Reading
from api.records.departed import Departed


def readings(departed: Departed, clock: Callable[[], float]) -> list[Reading]:
    """The gauges of the finished jobs in `departed`."""
    return [
        (
            "prominence_recorder_lag_seconds",
            "How long the first of the finished jobs that are not in the database yet has waited for that.",
            lambda: departed.lag(clock()).seconds,
        ),
        (
            "prominence_recorder_pending_jobs",
            "Finished jobs that are not in the database yet.",
            lambda: float(departed.lag(clock()).pending),
        ),
    ]
