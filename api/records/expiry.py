"""What the database says of the ages of things, and the series of jobs that ended long ago, deleted in small steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from api.records.retention import Recorded
from api.records.tables import jobs, points, series, series_jobs
from database.transactions import Database

STEP = 5_000
"""Values that one transaction deletes, at most: writers wait for it."""


@dataclass(frozen=True)
class Expiry:
    """The ages of what is in `database`. All methods raise DatabaseUnavailable, WrongRevision."""

    database: Database

    def recorded(self, submissions: Sequence[str]) -> Mapping[str, Recorded]:
        """The job of each submission that has one in the database; of several the one that ended last."""
        statement = select(jobs.c.submission, jobs.c.id, jobs.c.ended).where(jobs.c.submission.in_(submissions))
        with self.database.reading() as connection:
            rows = connection.execute(statement.order_by(jobs.c.ended)).all()
        return {submission: Recorded(number, ended) for submission, number, ended in rows}

    def with_series(self, after: str, count: int) -> Sequence[str]:
        """Submissions that have series: the first `count` of those behind `after`, in their order."""
        statement = select(series_jobs.c.submission).where(series_jobs.c.submission > after)
        with self.database.reading() as connection:
            return connection.execute(statement.order_by(series_jobs.c.submission).limit(count)).scalars().all()

    def forget_series(self, submission: str) -> bool:
        """Deletes series of a submission, STEP values at most; whether all of them are gone now."""
        mine = select(series.c.number).where(series.c.submission == submission)
        with self.database.writing() as connection:
            rest = STEP
            for number in connection.execute(mine.order_by(series.c.number)).scalars().all():
                rest -= _forget_points(connection, number, rest)
                if rest <= 0:
                    return False
                connection.execute(delete(series).where(series.c.number == number))
            # Last: it is what the series are found by.
            connection.execute(delete(series_jobs).where(series_jobs.c.submission == submission))
        return True


def _forget_points(connection: Connection, number: int, count: int) -> int:
    """Deletes `count` values of a series at most; how many that were."""
    times = select(points.c.time).where(points.c.series == number).limit(count)
    gone = delete(points).where(points.c.series == number, points.c.time.in_(times))
    return connection.execute(gone).rowcount
