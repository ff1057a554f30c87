"""Jobs and workflows that have ended and are left in the queue: their users are told at once, the recorder sees them later.

The end is seen in the event log that HTCondor writes for each of them. The message is queued as the recorder would queue it, so
whoever comes second changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from api.jobs import folder
from api.jobs.sandbox import EVENT_LOG
from api.notifications.addresses import Addresses
from api.notifications.outbox import Outbox
from api.records.departed import Departed
from pool.state import JobStatus

_log = logging.getLogger(__name__)


@dataclass
class LeftInQueue:
    """Queues the messages about what is left in the queue."""

    departed: Departed
    outbox: Outbox
    clock: Callable[[], float] = time.time
    _looked: dict[str, tuple[int, int, int] | None] = field(default_factory=dict)

    @property
    def addresses(self) -> Addresses:
        """Where messages about jobs go."""
        return self.departed.addresses

    def collect(self) -> None:
        """Queues the messages of those that have ended since the last time. DatabaseError: those that are left follow."""
        waiting = self.addresses.left()
        self._looked = {name: self._looked[name] for name in waiting if name in self._looked}
        for submission in waiting:
            log = folder.signature(self.departed.sandboxes / submission / EVENT_LOG)
            # Most have not changed: a log is read when something was written to it.
            if self._looked.get(submission) != log:
                self._look(submission)
                self._looked[submission] = log

    def _look(self, submission: str) -> None:
        facts = self.addresses.facts(submission)
        ad = self.departed.instances.logged(submission, facts) if facts is not None else None
        if ad is None or ad.get("JobStatus") != JobStatus.COMPLETED:
            return
        try:
            message = self.departed.message(ad, self.departed.report(ad), self.clock())
        except (KeyError, TypeError, ValueError) as error:
            _log.error("nobody can be told that %s has ended: %s", submission, error)
            return
        if message is not None:
            self.outbox.add(message)
        self.addresses.discard(submission)
