"""Time series that running jobs write: values of the fields of a measurement, told apart by tags.

A point at a time that a series has already replaces the one that is there, so a retry does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Double, cast, func, select, update

from api.records.errors import LimitReached
from api.records.tables import digest, points, series, series_jobs
from database.transactions import Database
from pool.submission import escaped


@dataclass(frozen=True)
class Point:
    """One value of each of some fields at one time (epoch seconds)."""

    measurement: str
    fields: Mapping[str, float]
    tags: Mapping[str, str]
    time: float


@dataclass(frozen=True)
class Line:
    """The values of one field, in the order of their times (epoch seconds)."""

    measurement: str
    field: str
    tags: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class SeriesLimits:
    """What one job may write, and one request read."""

    points: int = 200_000
    """Values of a job, of all its fields."""
    read: int = 100_000
    """Values that one request gets; ask for a shorter time or for means to see more."""


@dataclass(frozen=True)
class SeriesStore:
    """The series of all jobs; a job is named by its submission. All methods raise DatabaseUnavailable."""

    database: Database
    limits: SeriesLimits = field(default_factory=SeriesLimits)

    def write(self, submission: str, point: Point) -> None:
        """Stores the values of a point, all or none. LimitReached where the job has written all it may."""
        with self.database.writing() as connection:
            self._count(connection, submission, len(point.fields))
            rows = [
                {"series": self._series(connection, submission, point, name), "time": point.time, "value": value}
                for name, value in point.fields.items()
            ]
            for row in rows:
                statement = self.database.insert(points).values(row)
                same = [points.c.series, points.c.time]
                connection.execute(statement.on_conflict_do_update(index_elements=same, set_={"value": row["value"]}))

    def read(self, submission: str, start: float, stop: float, mean: float | None = None) -> list[Line]:
        """The job's values from `start` to `stop` (epoch seconds), a line for each field of each measurement and tags.

        With `mean`, their averages over windows of that many seconds, at the beginning of each window. LimitReached.
        """
        own = series.c.submission == submission
        window = points.c.time if mean is None else self._whole(points.c.time / mean) * mean
        value = points.c.value if mean is None else func.avg(points.c.value)
        statement = (
            select(series.c.number, window.label("at"), value.label("value"))
            .join(points, points.c.series == series.c.number)
            .where(own, points.c.time >= start, points.c.time <= stop)
            .order_by(series.c.number, window)
            .limit(self.limits.read + 1)
        )
        if mean is not None:
            statement = statement.group_by(series.c.number, window)
        with self.database.reading() as connection:
            found = connection.execute(statement).all()
            names = connection.execute(select(series).where(own)).all()
        if len(found) > self.limits.read:
            most = self.limits.read
            raise LimitReached(
                "read", most, f"These are more than {most} values: ask for a shorter time, or for means."
            )
        return _lines(names, found)

    def _whole(self, quotient: ColumnElement[Any]) -> ColumnElement[float]:
        # SQLite may lack floor and cuts where PostgreSQL rounds; times are not negative.
        return cast(cast(quotient, BigInteger), Double) if self.database.dialect == "sqlite" else func.floor(quotient)

    def _count(self, connection: Connection, submission: str, count: int) -> None:
        begun = self.database.insert(series_jobs).values(submission=submission, points=0).on_conflict_do_nothing()
        connection.execute(begun)
        statement = update(series_jobs).where(
            series_jobs.c.submission == submission, series_jobs.c.points + count <= self.limits.points
        )
        if connection.execute(statement.values(points=series_jobs.c.points + count)).rowcount == 0:
            most = self.limits.points
            raise LimitReached("points", most, f"This job has written {most} values, which is all it may.")

    def _series(self, connection: Connection, submission: str, point: Point, name: str) -> int:
        tags = json.dumps(dict(sorted(point.tags.items())))
        key = digest(escaped(point.measurement), escaped(name), escaped(tags))
        row = {"submission": submission, "digest": key, "measurement": point.measurement, "field": name, "tags": tags}
        connection.execute(self.database.insert(series).values(row).on_conflict_do_nothing())
        same = (series.c.submission == submission, series.c.digest == key)
        return int(connection.execute(select(series.c.number).where(*same)).scalar_one())


def _lines(names: Any, found: Any) -> list[Line]:
    times: dict[int, list[float]] = {}
    values: dict[int, list[float]] = {}
    for number, at, value in found:
        times.setdefault(number, []).append(at)
        values.setdefault(number, []).append(value)
    lines = [
        Line(row.measurement, row.field, json.loads(row.tags), tuple(times[row.number]), tuple(values[row.number]))
        for row in names
        if row.number in times
    ]
    return sorted(lines, key=lambda line: (line.measurement, line.field, json.dumps(line.tags)))
