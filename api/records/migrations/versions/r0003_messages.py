"""Messages to users."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Double, Integer, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes the table of messages that wait to be sent or were sent."""
    op.create_table(
        "messages",
        Column("submission", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("recipient", Text, nullable=False),
        Column("facts", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("doubts", Integer, nullable=False),
        Column("created", Double, nullable=False),
        Column("due", Double, nullable=False),
        Column("ended", Double),
        Column("detail", Text),
    )
    op.create_index("messages_by_state", "messages", ["state", "due"])
    op.create_index("messages_by_end", "messages", ["ended"])
