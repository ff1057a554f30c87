"""Whether a job and workers match, as HTCondor sees it: the whole ads of both, and the Requirements of each."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import htcondor2

from pool.session import Ad, Pool
from pool.submission import constraint_string


class Match(Enum):
    """What stands between a job and a worker."""

    NOTHING = "nothing"
    JOB = "job"
    """The job's Requirements do not hold on the worker."""
    WORKER = "worker"
    """The worker's do not hold for the job: its START."""


class Matching(Pool):
    """A pool that is asked about matches. HTCondor's configuration comes from the environment."""

    def matches(self, job: tuple[int, int], workers: Sequence[str]) -> dict[str, Match]:
        """Of workers by `Name`, what stands between each and the job (ClusterId, ProcId). Who has gone is left out.

        PoolUnavailable.
        """
        these = f"ClusterId == {job[0]} && ProcId == {job[1]}"
        names = ", ".join(constraint_string(name) for name in workers)
        with self._lock:
            self.make_sure()
            ads = self._repeated(lambda: self._located().query(these))
            slots = self._repeated(
                lambda: htcondor2.Collector().query(htcondor2.AdType.Startd, f"member(Name, {{{names}}})")
            )
        if not ads:
            return {}
        return {str(slot["Name"]): _match(ads[0], slot) for slot in slots}


def _match(job: Ad, slot: Ad) -> Match:
    # `one.matches(other)` evaluates the Requirements of the other one.
    if not slot.matches(job):  # type: ignore[attr-defined]
        return Match.JOB
    return Match.NOTHING if job.matches(slot) else Match.WORKER  # type: ignore[attr-defined]
