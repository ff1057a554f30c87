"""The tables. Times are epoch seconds; texts that users chose stand as they do in ads, percent-encoded ASCII.

A change here needs a migration (`migrations/versions/`); a test compares the two.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from pool.submission import escaped

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("submission", Text, primary_key=True),
    Column("proc", Integer, primary_key=True, autoincrement=False),
    Column("id", BigInteger, nullable=False),  # HTCondor's ClusterId: a new queue counts from 1 again
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
    Column("cpus", Integer, nullable=False),  # of one node
    Column("nodes", Integer, nullable=False),
    Column("wall_seconds", Double, nullable=False),
    Column("core_seconds", Double, nullable=False),  # wall_seconds of all CPUs it held
    Column("cpu_seconds", Double, nullable=False),
    Column("site", Text, nullable=False),
    Column("ad", Text, nullable=False),
    Column("report", Text),
    Column("instances", Integer),  # of a workflow, which is a job of DAGMan; of others none
    Index("jobs_by_id", "id"),
    # The last columns of these two are there for accounting, which then reads the index alone.
    Index("jobs_by_person", "person", "ended", "id", "owner", "vo", "core_seconds", "cpu_seconds"),
    Index("jobs_by_vo", "vo", "ended", "owner", "core_seconds", "cpu_seconds"),
    Index("jobs_by_name", "person", "name", "ended", "id"),
    Index(
        "jobs_by_workflow",
        "workflow",
        "ended",
        sqlite_where=text("workflow IS NOT NULL"),
        postgresql_where=text("workflow IS NOT NULL"),
    ),
    Index(
        "workflows_by_person",
        "person",
        "ended",
        "id",
        sqlite_where=text("instances IS NOT NULL"),
        postgresql_where=text("instances IS NOT NULL"),
    ),
)

job_labels = Table(
    "job_labels",
    metadata,
    Column("submission", Text, primary_key=True),
    Column("proc", Integer, primary_key=True, autoincrement=False),
    Column("label", LargeBinary, primary_key=True),  # digest of "key=value"
    Column("person", LargeBinary, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("id", BigInteger, nullable=False),
    Index("job_labels_by_label", "person", "label", "ended", "id"),
)

pairs = Table(
    "pairs",
    metadata,
    Column("person", LargeBinary, primary_key=True),
    # Bytes, so that order and equality are the same in every database, whatever its collation.
    Column("key", LargeBinary, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("changed", BigInteger, nullable=False),
)

series_jobs = Table(
    "series_jobs",
    metadata,
    Column("submission", Text, primary_key=True),
    Column("points", Integer, nullable=False),
)

series = Table(
    "series",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("submission", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("measurement", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("tags", Text, nullable=False),  # JSON, keys in order
    Index("series_by_submission", "submission", "digest", unique=True),
)

points = Table(
    "points",
    metadata,
    Column("series", Integer, primary_key=True, autoincrement=False),
    Column("time", Double, primary_key=True, autoincrement=False),
    Column("value", Double, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("submission", Text, nullable=False),
    Column("job", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("argv", Text, nullable=False),  # JSON
    Column("started", Double, nullable=False),
    Column("ended", Double, nullable=False),
    Column("exit_code", Integer),
    Index("commands_by_submission", "submission", "number"),
)

messages = Table(
    "messages",
    metadata,
    Column("submission", Text, primary_key=True),  # of the job or workflow that it is about: each has one
    Column("kind", Text, nullable=False),  # job, workflow
    Column("recipient", Text, nullable=False),
    Column("facts", Text, nullable=False),  # JSON
    Column("state", Text, nullable=False),  # queued, sending, sent, failed
    Column("attempts", Integer, nullable=False),
    Column("doubts", Integer, nullable=False),  # how often it was handed over without an answer
    Column("created", Double, nullable=False),
    Column("due", Double, nullable=False),  # when it is looked at next: until then a sender has it, or it waits
    Column("ended", Double),
    Column("detail", Text),  # what the mail server said last
    Index("messages_by_state", "state", "due"),
    Index("messages_by_end", "ended"),
)


def person(issuer: str, subject: str) -> bytes:
    """What a user is found by: 32 bytes that follow from issuer and subject, however long these are."""
    return digest(escaped(issuer), escaped(subject))


def digest(*texts: str) -> bytes:
    """32 bytes that follow from `texts`, which are encoded as in ads; no other texts have the same."""
    # No encoded text contains the separator.
    return hashlib.sha256("\n".join(texts).encode()).digest()
