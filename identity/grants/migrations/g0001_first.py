"""The table of grants."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Double, LargeBinary, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "grants",
        Column("issuer", Text, primary_key=True),
        Column("subject", Text, primary_key=True),
        Column("owner", Text, nullable=False, unique=True),
        Column("sealed", LargeBinary, nullable=False),
        Column("origin", LargeBinary, nullable=False),
        Column("scope", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("refused", Double),
        Column("why", Text),
        Column("created", Double, nullable=False),
        Column("refreshed", Double),
        Column("version", BigInteger, nullable=False),
        Column("claim", Text),
        Column("claimed", Double),
        Column("doubted", Double),
    )
