"""The first tables."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables."""
    _intents()
    op.create_table("provisioner_past", Column("scope", Text, primary_key=True), Column("lesson", Text, nullable=False))
    op.create_table(
        "provisioner_lease",
        Column("name", Text, primary_key=True),
        Column("holder", Text, nullable=False),
        Column("generation", BigInteger, nullable=False),
        Column("until", Double, nullable=False),
        Column("writes", BigInteger, nullable=False),
    )
    op.create_table(
        "provisioner_sites",
        Column("place", Text, primary_key=True),
        Column("site", Text, nullable=False),
        Column("at", Double, nullable=False),
        Column("facts", Text, nullable=False),
    )
    op.create_table(
        "provisioner_wishes",
        Column("number", Integer, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("what", Text, nullable=False),
        Column("asked_at", Double, nullable=False),
        Column("done_at", Double),
    )


def _intents() -> None:
    op.create_table(
        "provisioner_intents",
        Column("uuid", Text, primary_key=True),
        Column("site", Text, nullable=False),
        Column("flavor", Text, nullable=False),
        *(
            Column(f"{what}_{part}", BigInteger, nullable=False)
            for what in ("size", "room")
            for part in ("cpus", "memory", "disk")
        ),
        Column("made_at", Double, nullable=False),
        Column("since", Double, nullable=False),
        Column("bound_user", Text),
        Column("bound_vo", Text),
        Column("purpose", Text, nullable=False),
        Column("preemptible", Boolean, nullable=False),
        Column("state", Text, nullable=False),
        Column("cloud_id", Text),
        Column("asked_at", Double),
        Column("absent", Integer, nullable=False),
        Column("absent_since", Double),
        Column("idle_since", Double),
    )
