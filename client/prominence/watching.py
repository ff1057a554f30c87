"""Looking at one job or workflow again and again until it has ended.

A wait may last for days, so it outlives what is short: a restart of the service, a lost network, and the
moment in which a job has left the queue but is not yet among the finished ones. What was never seen, or is
gone for longer than PATIENCE, is reported as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prominence.errors import Error, NoSuchJob, NoSuchWorkflow, StillActive, Unavailable, Unreachable
from prominence.jobs import Document, has_ended

FIRST_PAUSE = 0.25
"""Seconds between the first two looks: short jobs end soon. The pauses then grow up to `poll`."""

PATIENCE = 300.0
"""For how many seconds a job that was there may be out of sight."""


def watch(
    describe: Callable[[int], Document],
    job_id: int,
    *,
    poll: float,
    timeout: float | None,
    created: bool,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    late: Callable[[int, float], Error] = StillActive,
) -> Iterator[Document]:
    """Yield the job as each look finds it; the last one yielded has ended.

    `poll` and `timeout` are in seconds (None: as long as it takes). `created` says that the job is known to
    exist, because its creation was just answered. Raises what `late` makes when the time is over, else what
    `describe` raises.
    """
    began = clock()
    seen = began if created else None
    pause = min(poll, FIRST_PAUSE)
    while True:
        asked = 0.0
        try:
            job = describe(job_id)
        except (NoSuchJob, NoSuchWorkflow, Unavailable, Unreachable) as error:
            if seen is None or clock() - seen > PATIENCE:
                raise
            asked = getattr(error, "retry_after", None) or 0.0
        else:
            seen = clock()
            yield job
            if has_ended(job):
                return
        left = float("inf") if timeout is None else began + timeout - clock()
        if timeout is not None and left <= 0:
            raise late(job_id, timeout)
        sleep(min(max(pause, asked), left))
        pause = min(poll, pause * 1.5)
