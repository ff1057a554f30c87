"""The table of things."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, LargeBinary, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table("things", Column("name", Text, primary_key=True), Column("value", LargeBinary, nullable=False))
