"""Accounting: how much of the machines finished jobs have used, by user or by virtual organisation.

Wall time is that of all CPUs that a job held, so that CPU time is a part of it. A job counts on the day on which it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, func, select

from api.records.tables import jobs, person
from database.transactions import Database


@dataclass(frozen=True)
class Used:
    """What the finished jobs of one user or virtual organisation have used, in seconds."""

    cpu_seconds: float
    wall_seconds: float
    jobs: int


@dataclass(frozen=True)
class Usage:
    """The use of the machines. All methods raise DatabaseUnavailable; times are epoch seconds, `end` is not included."""

    database: Database

    def of_user(self, user: tuple[str, str], start: float, end: float) -> dict[str, Used]:
        """By the name (HTCondor's Owner) of that one user, who is (issuer, subject); empty where there were no jobs."""
        return self._sums(jobs.c.owner, (jobs.c.person == person(*user),), start, end)

    def of_users(self, vos: Sequence[str], start: float, end: float) -> dict[str, Used]:
        """By the name of each user who had jobs in one of these virtual organisations; jobs in others do not count."""
        return self._sums(jobs.c.owner, (jobs.c.vo.in_(vos),), start, end)

    def of_vos(self, vos: Sequence[str], start: float, end: float) -> dict[str, Used]:
        """By virtual organisation, of these, all their users together."""
        return self._sums(jobs.c.vo, (jobs.c.vo.in_(vos),), start, end)

    def _sums(
        self, by: Column[Any], whose: tuple[ColumnElement[bool], ...], start: float, end: float
    ) -> dict[str, Used]:
        sums = (func.sum(jobs.c.cpu_seconds), func.sum(jobs.c.core_seconds), func.count())
        within = (jobs.c.ended >= start, jobs.c.ended < end)
        with self.database.reading() as connection:
            rows = connection.execute(select(by, *sums).where(*whose, *within).group_by(by)).all()
        return {name: Used(cpu, wall, count) for name, cpu, wall, count in rows}
