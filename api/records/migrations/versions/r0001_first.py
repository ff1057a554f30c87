"""The first tables."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, Text, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables."""
    _jobs()
    _job_labels()
    op.create_table(
        "pairs",
        Column("person", LargeBinary, primary_key=True),
        Column("key", LargeBinary, primary_key=True),
        Column("value", LargeBinary, nullable=False),
        Column("changed", BigInteger, nullable=False),
    )
    _series()
    _commands()


def _jobs() -> None:
    op.create_table(
        "jobs",
        Column("submission", Text, primary_key=True),
        Column("proc", Integer, primary_key=True, autoincrement=False),
        Column("id", BigInteger, nullable=False),
        Column("person", LargeBinary, nullable=False),
        Column("issuer", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("vo", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("started", BigInteger),
        Column("ended", BigInteger, nullable=False),
        Column("workflow", BigInteger),
        Column("cpus", Integer, nullable=False),
        Column("nodes", Integer, nullable=False),
        Column("wall_seconds", Double, nullable=False),
        Column("core_seconds", Double, nullable=False),
        Column("cpu_seconds", Double, nullable=False),
        Column("site", Text, nullable=False),
        Column("ad", Text, nullable=False),
        Column("report", Text),
    )
    op.create_index("jobs_by_id", "jobs", ["id"])
    columns = ["person", "ended", "id", "owner", "vo", "core_seconds", "cpu_seconds"]
    op.create_index("jobs_by_person", "jobs", columns)
    op.create_index("jobs_by_vo", "jobs", ["vo", "ended", "owner", "core_seconds", "cpu_seconds"])
    op.create_index("jobs_by_name", "jobs", ["person", "name", "ended", "id"])
    part = text("workflow IS NOT NULL")
    op.create_index("jobs_by_workflow", "jobs", ["workflow", "ended"], sqlite_where=part, postgresql_where=part)


def _job_labels() -> None:
    op.create_table(
        "job_labels",
        Column("submission", Text, primary_key=True),
        Column("proc", Integer, primary_key=True, autoincrement=False),
        Column("label", LargeBinary, primary_key=True),
        Column("person", LargeBinary, nullable=False),
        Column("ended", BigInteger, nullable=False),
        Column("id", BigInteger, nullable=False),
    )
    op.create_index("job_labels_by_label", "job_labels", ["person", "label", "ended", "id"])


def _series() -> None:
    op.create_table(
        "series_jobs",
        Column("submission", Text, primary_key=True),
        Column("points", Integer, nullable=False),
    )
    op.create_table(
        "series",
        Column("number", Integer, primary_key=True),
        Column("submission", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("measurement", Text, nullable=False),
        Column("field", Text, nullable=False),
        Column("tags", Text, nullable=False),
    )
    op.create_index("series_by_submission", "series", ["submission", "digest"], unique=True)
    op.create_table(
        "points",
        Column("series", Integer, primary_key=True, autoincrement=False),
        Column("time", Double, primary_key=True, autoincrement=False),
        Column("value", Double, nullable=False),
    )


def _commands() -> None:
    op.create_table(
        "commands",
        Column("number", Integer, primary_key=True),
        Column("submission", Text, nullable=False),
        Column("job", BigInteger, nullable=False),
        Column("subject", Text, nullable=False),
        Column("argv", Text, nullable=False),
        Column("started", Double, nullable=False),
        Column("ended", Double, nullable=False),
        Column("exit_code", Integer),
    )
    op.create_index("commands_by_submission", "commands", ["submission", "number"])
