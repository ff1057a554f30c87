"""Since when the pool is up and is heard, by a clock that nobody sets.

The collector tells of its start by the calendar's clock, and so does every record. Where that clock is set back, a start may
lie in the future; where it is set forward, times pass that nobody has had. So what counts is how long this process has heard
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cloud_provisioner.servers.views import PoolView

_SAME = 5.0
"""Seconds by which two tellings of one start may differ."""


@dataclass
class Hearing:
    """One process's memory of the pool. After more than `pause` seconds without an answer, or when the clock was set by more
    than that, it is heard anew."""

    pause: float
    _last: tuple[float, float] = field(default=(float("-inf"), float("-inf")), init=False)
    """The time of the last answer, by the calendar's clock and by the one that nobody sets."""
    _since: float = field(default=0.0, init=False)
    _start: tuple[float, float] = field(default=(float("-inf"), float("-inf")), init=False)
    """The start that the collector tells, and when it was first told."""

    def heard(self, pool: PoolView | None, now: float, steady: float) -> PoolView | None:
        """The answer of the pool with the times that count, None where there is none."""
        if pool is None:
            return None
        if max(abs(now - self._last[0]), steady - self._last[1]) > self.pause:
            self._since = steady
        if abs(pool.up_since - self._start[0]) > _SAME:
            self._start = pool.up_since, steady
        self._last = now, steady
        up_since = min(pool.up_since, now - (steady - self._start[1]))
        return replace(pool, up_since=up_since, heard_since=now - (steady - self._since))
