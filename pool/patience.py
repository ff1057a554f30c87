"""How long a schedd that does not answer is waited for, and by whom.

HTCondor's bindings hold the whole process while they wait: a submission or the history without any time-out, a query of jobs
for 20 s whatever is configured, a query of users for Q_QUERY_TIMEOUT. So the first ones are made only to a schedd that
answered just now, and once a call ran into its time-out the next ones are refused for a while, instead of waiting one after
the other. What is left is a schedd that falls silent within a second of an answer: then the WSGI server's own time-out ends
the process, and a submission with a key is repaired by its retry.
"""

from __future__ import annotations

import math
from collections.abc import Callable

FRESH = 1.0
"""Seconds for which an answer is taken to mean that the schedd still answers."""
SLOW = 2.0
"""Seconds after which a failure was a time-out, and no stale address or session, which fail at once."""
PAUSE = 5.0
"""Seconds for which nobody is let through after a time-out."""


class Patience:
    """What is known of one schedd's answers. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answered = -math.inf
        self._timed_out = -math.inf

    def now(self) -> float:
        """The time, to be handed to `failed` as the begin of a call."""
        return self._clock()

    def answered(self) -> None:
        """Notes an answer."""
        self._answered = self._clock()

    def failed(self, began: float) -> bool:
        """Notes that a call that began at `began` failed; whether the same call may fare better now."""
        if self._clock() - began < SLOW:
            return True
        self._timed_out = self._clock()
        self._answered = -math.inf
        return False

    @property
    def is_fresh(self) -> bool:
        """Whether the schedd answered so lately that a call without a time-out may be made."""
        return self._clock() - self._answered < FRESH

    @property
    def is_exhausted(self) -> bool:
        """Whether a call timed out so lately that the next one would only wait as long."""
        return self._clock() - self._timed_out < PAUSE
