"""The sender: brings the messages in the database to the mail server, beside the recorder and never in its way.

Each look takes the messages that are due, one after the other, over one connection. Races and failures thought of:
- Two senders: each message is taken by one UPDATE, and again confirmed before its text is handed over (`outbox.py`).
- The server is away, refuses the login or the sender: nothing is said of any message; all wait, the longer the more often.
- The server has a message, and the database is away when that is to be noted: the note is tried until it is written.
- What was begun when the process is told to end is ended, if that takes a few seconds; else it is as after a kill.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from api.notifications.errors import (
    MailServerUnavailable,
    MessageDeferred,
    MessageInDoubt,
    MessageRefused,
    MessageTaken,
    MessageUnwritable,
)
from api.notifications.letter import written
from api.notifications.outbox import Message, Outbox, State
from api.notifications.session import Session, connected, longest
from api.notifications.settings import MailSettings
from database.errors import DatabaseError, DatabaseUnavailable

PATIENCE = 2 * 24 * 3600.0
"""Seconds after which a message that could not be sent is given up."""
KEPT = 30 * 24 * 3600.0
"""Seconds for which messages are kept after they were sent or given up."""
PAUSE = 2.0
"""Seconds between two looks for messages that are due."""
BATCH = 50
_FIRST_DELAY = 60.0
_LONGEST_DELAY = 3600.0
_LONGEST_PAUSE = 300.0
_HOUR = 3600.0
_SLOWNESS = 60.0
"""Seconds that the database may take meanwhile, before a message that was taken is anybody's again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sender:
    """Sends what is in `outbox`."""

    outbox: Outbox
    settings: MailSettings
    collect: Callable[[], None]
    """Queues messages that the recorder does not; called before each look."""
    tidy: Callable[[], None]
    """Called once an hour."""
    clock: Callable[[], float] = time.time
    spread: Callable[[], float] = random.random
    """Gives a number from 0 to 1: how much of a pause is taken, so that several do not come back at once."""

    def run(self, stop: threading.Event) -> None:
        """Sends until `stop` is set. Failures of database, disk and mail server are logged and waited for."""
        failures, forgotten = 0, 0.0
        while not stop.is_set():
            try:
                if self.clock() - forgotten >= _HOUR:
                    self.forget(stop)
                    forgotten = self.clock()
                self.collect()
                busy = self.sweep(stop)
                failures = 0
            except (DatabaseError, MailServerUnavailable, OSError) as error:
                failures += 1
                _log.warning("no messages can be sent: %s %s", error, getattr(error, "detail", ""))
                stop.wait(self._delay(PAUSE, failures, _LONGEST_PAUSE))
                continue
            if not busy:
                stop.wait(PAUSE)

    def sweep(self, stop: threading.Event) -> int:
        """Sends the messages that are due now, BATCH at most; how many these were. DatabaseError, MailServerUnavailable."""
        due = self.outbox.due(self.clock(), BATCH)
        fit = [message for message in due if not self._settled(message)]
        if fit and not stop.is_set():
            with connected(self.settings) as session:
                for message in fit:
                    if stop.is_set():
                        break
                    self._send(message, session, stop)
        return len(due)

    def forget(self, stop: threading.Event) -> None:
        """Deletes messages whose time is over, and what `tidy` does. DatabaseError."""
        self.tidy()
        while not stop.is_set() and self.outbox.forget(self.clock() - KEPT):
            pass

    def _settled(self, message: Message) -> bool:
        """Whether a message that is due is not to be sent now: given up, or left in doubt by a sender that was killed."""
        now = self.clock()
        if message.state == State.SENDING:
            self._doubt(message, "The sender ended before it knew whether the mail server has it.")
        elif message.created < now - PATIENCE:
            self._fail(message, "It could not be sent for two days.")
        else:
            return False
        return True

    def _send(self, message: Message, session: Session, stop: threading.Event) -> None:
        try:
            taken = self.outbox.take(message, self.clock() + 2 * longest(self.settings) + _SLOWNESS)
        except MessageTaken:
            return
        try:
            text = written(taken, self.settings)
            session.send(taken.recipient, text, lambda: self.outbox.hand_over(taken))
        except MessageTaken as error:
            _log.warning("message %s: %s", taken.submission, error)
        except (MessageRefused, MessageUnwritable) as error:
            self._fail(taken, str(error))
        except MessageDeferred as error:
            self.outbox.defer(taken, self._later(taken), str(error))
        except MessageInDoubt as error:
            self._doubt(taken, str(error))
        except MailServerUnavailable as error:
            self.outbox.defer(taken, self._later(taken), str(error))
            raise
        else:
            self._note_sent(taken, stop)

    def _note_sent(self, message: Message, stop: threading.Event) -> None:
        failures = 0
        while True:
            try:
                self.outbox.sent(message, self.clock())
            except DatabaseUnavailable as error:
                failures += 1
                _log.warning("message %s was sent, which cannot be noted: %s", message.submission, error.detail)
                if stop.wait(self._delay(PAUSE / 8, failures, PAUSE)):
                    raise
            else:
                return

    def _fail(self, message: Message, why: str) -> None:
        # The address, which servers like to repeat, stays out of the log: it is in the database for who has to know.
        _log.error("message %s is given up: %s", message.submission, why.replace(message.recipient, "(the address)"))
        self.outbox.fail(message, self.clock(), why)

    def _doubt(self, message: Message, why: str) -> None:
        again = self.outbox.doubt(message, self._later(message), self.clock(), f"In doubt. {why}")
        what = "is sent again" if again else "is given up, since it was in doubt before"
        _log.warning("message %s may have arrived, and %s: %s", message.submission, what, why)

    def _later(self, message: Message) -> float:
        return self.clock() + self._delay(_FIRST_DELAY, message.attempts, _LONGEST_DELAY)

    def _delay(self, first: float, failures: int, most: float) -> float:
        """Seconds to wait after so many failures: twice as long each time, half of it by chance."""
        return min(most, first * 2.0 ** min(max(failures - 1, 0), 20)) * (0.5 + self.spread() / 2)
