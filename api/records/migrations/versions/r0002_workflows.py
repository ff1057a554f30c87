"""Workflows beside jobs."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds what tells workflows from jobs."""
    op.add_column("jobs", Column("instances", Integer))
    part = text("instances IS NOT NULL")
    op.create_index("workflows_by_person", "jobs", ["person", "ended", "id"], sqlite_where=part, postgresql_where=part)
