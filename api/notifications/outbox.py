"""Messages in the database: queued once each, taken by one sender at a time, and what became of them.

A message goes queued -> sending -> sent or failed. A sender takes one by an UPDATE that holds only while nobody else has: until
`due` the message is its own. It is `sending` from the moment before its text is handed over, so a sender that is killed leaves
either a message that nobody has seen, or one in doubt: that is sent once more, with the same Message-ID, and no third time.
Nothing here knows of mail servers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, CursorResult, func, select, update
from sqlalchemy import delete as delete_from

from api.notifications.errors import MessageTaken
from api.records.tables import messages
from database.transactions import Database

MOST_DOUBTS = 1
"""How often a message that may have arrived is sent again."""
_LONGEST_DETAIL = 500
_DELETED_AT_ONCE = 1000


class State(StrEnum):
    """Where a message is."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


WAITING = (State.QUEUED, State.SENDING)
ENDED = (State.SENT, State.FAILED)


@dataclass(frozen=True)
class Message:
    """One message as the database has it. Times are epoch seconds; `attempts` counts how often it was taken."""

    submission: str
    kind: str
    recipient: str
    facts: str
    state: str
    attempts: int
    doubts: int
    created: float
    due: float


_COLUMNS = tuple(messages.c[name] for name in Message.__dataclass_fields__)


def queue(connection: Connection, database: Database, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds messages in a transaction of the caller; those about submissions that have one already are left as they are."""
    if rows:
        connection.execute(database.insert(messages).on_conflict_do_nothing(), list(rows))


@dataclass(frozen=True)
class Outbox:
    """The messages. All methods raise DatabaseUnavailable."""

    database: Database

    def add(self, row: Mapping[str, Any]) -> None:
        """Queues a message; one about the same submission that is there already is left as it is."""
        with self.database.writing() as connection:
            queue(connection, self.database, [row])

    def due(self, now: float, limit: int) -> list[Message]:
        """Messages that are to be looked at now, the one that has waited longest first, `limit` at most."""
        wanted = select(*_COLUMNS).where(messages.c.state.in_(WAITING), messages.c.due <= now)
        with self.database.reading() as connection:
            rows = connection.execute(wanted.order_by(messages.c.due).limit(limit)).all()
        return [Message(*row) for row in rows]

    def take(self, message: Message, until: float) -> Message:
        """Takes a queued message, which is nobody else's `until` then. Raises MessageTaken where another sender has it."""
        self._change(message, due=until, attempts=message.attempts + 1)
        return replace(message, due=until, attempts=message.attempts + 1)

    def hand_over(self, message: Message) -> None:
        """Notes that the text of a taken message is about to be handed over. Raises MessageTaken."""
        self._change(message, state=State.SENDING)

    def defer(self, message: Message, until: float, detail: str) -> None:
        """Puts a message back that is not at any server. What another sender made of it meanwhile stays."""
        self._note(message, state=State.QUEUED, due=until, detail=detail[:_LONGEST_DETAIL])

    def doubt(self, message: Message, until: float, now: float, detail: str) -> bool:
        """Puts a message back that may have arrived, and True; gives it up, and False, where that was so before."""
        if message.doubts >= MOST_DOUBTS:
            self.fail(message, now, detail)
            return False
        doubts, text = message.doubts + 1, detail[:_LONGEST_DETAIL]
        self._note(message, state=State.QUEUED, due=until, doubts=doubts, detail=text)
        return True

    def fail(self, message: Message, now: float, detail: str) -> None:
        """Gives a message up."""
        self._note(message, state=State.FAILED, ended=now, detail=detail[:_LONGEST_DETAIL])

    def sent(self, message: Message, now: float) -> None:
        """Notes that the mail server has the message: whatever others thought of it meanwhile."""
        with self.database.writing() as connection:
            its = messages.c.submission == message.submission
            connection.execute(update(messages).where(its).values(state=State.SENT, ended=now, detail=None))

    def forget(self, before: float) -> int:
        """Deletes messages that ended before then; how many. Some may be left: call it again until it is 0."""
        old = select(messages.c.submission).where(messages.c.ended < before).limit(_DELETED_AT_ONCE)
        with self.database.writing() as connection:
            done = connection.execute(delete_from(messages).where(messages.c.submission.in_(old)))
            return _rows(done)

    def counts(self) -> dict[State, int]:
        """How many messages there are in each state, those of the last days among them that have ended."""
        with self.database.reading() as connection:
            rows = connection.execute(select(messages.c.state, func.count()).group_by(messages.c.state)).all()
        return dict.fromkeys(State, 0) | {State(state): count for state, count in rows}

    def oldest(self) -> float | None:
        """When the message that has waited longest was queued; None where none waits."""
        with self.database.reading() as connection:
            waiting = select(func.min(messages.c.created)).where(messages.c.state.in_(WAITING))
            found: float | None = connection.execute(waiting).scalar()
        return found

    def _change(self, message: Message, **values: object) -> None:
        if not self._note(message, **values):
            raise MessageTaken

    def _note(self, message: Message, **values: object) -> bool:
        """Changes a message that is as the caller knows it, but for its state; whether it was."""
        known = (
            messages.c.submission == message.submission,
            messages.c.due == message.due,
            messages.c.attempts == message.attempts,
            messages.c.state.in_(WAITING),
        )
        with self.database.writing() as connection:
            return _rows(connection.execute(update(messages).where(*known).values(**values))) == 1


def _rows(done: CursorResult[Any]) -> int:
    return done.rowcount
