"""What admins want given back is noted with the server, until its state allows it."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, Column, false

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the note; no server that is there has it."""
    op.add_column("provisioner_intents", Column("unwanted", Boolean, nullable=False, server_default=false()))
