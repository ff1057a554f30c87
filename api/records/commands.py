"""What was run in running jobs, by whom, and how it ended."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select

from api.records.tables import commands
from database.transactions import Database
from pool.submission import escaped


@dataclass(frozen=True)
class Command:
    """One command: times are epoch seconds, `exit_code` is None where it was not learnt."""

    submission: str
    job: int
    subject: str
    argv: tuple[str, ...]
    started: float
    ended: float
    exit_code: int | None


@dataclass(frozen=True)
class Commands:
    """The commands of all jobs. All methods raise DatabaseUnavailable."""

    database: Database

    def add(self, command: Command) -> None:
        """Stores a command that has ended."""
        row = {
            "submission": command.submission,
            "job": command.job,
            "subject": escaped(command.subject),
            "argv": json.dumps(command.argv),
            "started": command.started,
            "ended": command.ended,
            "exit_code": command.exit_code,
        }
        with self.database.writing() as connection:
            connection.execute(insert(commands).values(row))

    def of_job(self, submission: str, limit: int = 100) -> Sequence[Command]:
        """The latest commands of a job, `limit` at most, in the order in which they were stored."""
        of_job = select(commands).where(commands.c.submission == submission)
        with self.database.reading() as connection:
            rows = connection.execute(of_job.order_by(commands.c.number.desc()).limit(limit)).all()
        return [
            Command(
                row.submission,
                row.job,
                urllib.parse.unquote(row.subject),
                tuple(json.loads(row.argv)),
                row.started,
                row.ended,
                row.exit_code,
            )
            for row in reversed(rows)
        ]
