"""CPUs, memory and disk as one value: what a job asks for, what a worker has to give."""

from __future__ import annotations

from typing import NamedTuple


class Amount(NamedTuple):
    """CPU cores, memory in MB, disk in MB."""

    cpus: int
    memory: int
    disk: int

    def holds(self, other: Amount) -> bool:
        """Whether `other` fits into this."""
        return self.cpus >= other.cpus and self.memory >= other.memory and self.disk >= other.disk

    def times_of(self, other: Amount) -> int:
        """How many of `other` fit into this side by side; `other` asks for at least one core."""
        times = self.cpus // other.cpus
        if other.memory:
            times = min(times, self.memory // other.memory)
        if other.disk:
            times = min(times, self.disk // other.disk)
        return times

    def less(self, other: Amount, times: int = 1) -> Amount:
        """What is left after `times` of `other`; the caller knows that they fit."""
        return Amount(
            self.cpus - times * other.cpus, self.memory - times * other.memory, self.disk - times * other.disk
        )


NOTHING = Amount(0, 0, 0)
