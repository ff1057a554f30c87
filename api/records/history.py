"""All jobs that have left the queue, whether they are in the database already or not.

Ask the queue first, and this after it: a job that was in neither is nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.records.departed import Departed
from api.records.finished import Finished, FinishedJobs, Query
from api.records.projection import ended
from pool import attributes


@dataclass(frozen=True)
class History:
    """Finished jobs, from the files of those that left a moment ago and from the database."""

    departed: Departed
    finished: FinishedJobs

    def by_id(self, number: int) -> Finished | None:
        """The job with that ClusterId, whoever's it is. DatabaseUnavailable where only the database could tell."""
        return self.departed.find(number) or self.finished.by_id(number)

    def select(self, query: Query) -> list[Finished]:
        """The jobs that `query` asks for, each once, the one that ended last first. DatabaseUnavailable."""
        recent = self.departed.latest(query)
        known = {_name(job): job for job in self.finished.select(query)}
        known |= {_name(job): job for job in recent}
        every = sorted(known.values(), key=lambda job: (ended(job.ad), int(job.ad["ClusterId"])), reverse=True)
        return every if query.limit < 0 else every[: query.limit]

    def id_of(self, submission: str) -> int | None:
        """ClusterId of a recorded submission; one that left the queue a moment ago may not be known yet."""
        return self.finished.id_of(submission)


def _name(job: Finished) -> tuple[str, int]:
    return str(job.ad[attributes.Job.SUBMISSION]), int(job.ad["ClusterId"])
