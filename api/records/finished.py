"""Finished jobs in the database: stored once each, found by id, by user, name, label or workflow, newest end first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, select

from api.notifications import outbox
from api.records.projection import Row
from api.records.tables import digest, job_labels, jobs, person
from database.transactions import Database
from pool.submission import escaped

_COLUMNS = (jobs.c.ad, jobs.c.report)
_USED = ("wall_seconds", "core_seconds", "cpu_seconds")


class Finished(NamedTuple):
    """A job that has left the queue: its ad (DESCRIBED of `api/jobs/view.py`) and the executor's report."""

    ad: Mapping[str, Any]
    report: Mapping[str, Any] | None


@dataclass(frozen=True)
class Query:
    """Which finished jobs of a user; what is None or empty does not matter. `limit` -1: all of them."""

    issuer: str
    subject: str
    ids: tuple[int, ...] = ()
    name: str | None = None
    label: str | None = None
    """`key=value`."""
    workflow: int | None = None
    """Only jobs of the workflow with this id."""
    limit: int = -1
    workflows: bool = False
    """Workflows instead of jobs."""


class FinishedJobs:
    """The table of finished jobs. All methods raise DatabaseUnavailable where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rows: Sequence[Row]) -> None:
        """Stores the rows that are not there yet, all of them or none; raises DatabaseRefused where one cannot be stored.

        A row may have a `message` to its user, which is queued with it.
        """
        labels = [
            {name: row[name] for name in ("submission", "proc", "person", "ended", "id")} | {"label": label}
            for row in rows
            for label in row["labels"]
        ]
        told = [row["message"] for row in rows if row.get("message")]
        columns = jobs.columns.keys()
        with self._database.writing() as connection:
            statement = self._database.insert(jobs)
            # An instance of a workflow that was run again is another job of the same submission: the last one counts, with what
            # all of them used.
            latest = statement.on_conflict_do_update(
                index_elements=[jobs.c.submission, jobs.c.proc],
                set_={name: statement.excluded[name] for name in columns}
                | {name: jobs.c[name] + statement.excluded[name] for name in _USED},
                where=jobs.c.id < statement.excluded.id,
            )
            connection.execute(latest, [{name: row[name] for name in columns} for row in rows])
            if labels:
                connection.execute(self._database.insert(job_labels).on_conflict_do_nothing(), labels)
            outbox.queue(connection, self._database, told)

    def select(self, query: Query) -> list[Finished]:
        """The jobs that `query` asks for, the one that ended last first."""
        statement = _statement(query)
        if query.limit >= 0:
            statement = statement.limit(query.limit)
        with self._database.reading() as connection:
            return [_finished(ad, report) for ad, report in connection.execute(statement)]

    def by_id(self, number: int) -> Finished | None:
        """The job with that ClusterId, whoever's it is; after a queue began anew, the latest of that id."""
        statement = select(*_COLUMNS).where(jobs.c.id == number).order_by(jobs.c.ended.desc()).limit(1)
        with self._database.reading() as connection:
            found = connection.execute(statement).first()
        return None if found is None else _finished(found.ad, found.report)

    def id_of(self, submission: str) -> int | None:
        """ClusterId of a submission; None where no such job is stored."""
        statement = select(jobs.c.id).where(jobs.c.submission == submission).order_by(jobs.c.id.desc()).limit(1)
        with self._database.reading() as connection:
            found: int | None = connection.execute(statement).scalar()
        return found

    def count(self) -> int:
        """How many are stored."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(jobs)).scalar_one()


def _statement(query: Query) -> Select[Any]:
    who = person(query.issuer, query.subject)
    source: FromClause = jobs
    if query.ids:
        # Materialised, since a planner that knows nothing of the data would go through all jobs of the user instead.
        source = select(jobs).where(jobs.c.id.in_(query.ids)).cte("picked").prefix_with("MATERIALIZED")
    kind = source.c.instances.is_not(None) if query.workflows else source.c.instances.is_(None)
    conditions: list[ColumnElement[bool]] = [source.c.person == who, kind]
    if query.name is not None:
        conditions.append(source.c.name == escaped(query.name))
    if query.workflow is not None:
        conditions.append(source.c.workflow == query.workflow)
    statement = select(source.c.ad, source.c.report).where(*conditions)
    if query.label is None:
        return statement.order_by(source.c.ended.desc(), source.c.id.desc())
    labelled = and_(job_labels.c.submission == source.c.submission, job_labels.c.proc == source.c.proc)
    label = digest(escaped(query.label))
    statement = statement.join(job_labels, labelled).where(job_labels.c.person == who, job_labels.c.label == label)
    return statement.order_by(job_labels.c.ended.desc(), job_labels.c.id.desc())


def _finished(ad: str, report: str | None) -> Finished:
    return Finished(json.loads(ad), None if report is None else json.loads(report))
