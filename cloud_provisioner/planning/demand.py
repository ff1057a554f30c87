"""Idle jobs, in groups of jobs that are alike in everything that matters to where they can run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloud_provisioner.amounts import Amount


class Scaling(StrEnum):
    """`autoScalingType` of a job; a job that names none is treated as SHARED, with several nodes as DEDICATED."""

    NONE = "none"
    """Waits for workers that others' jobs or an admin brought."""
    SHARED = "shared"
    """Beside other jobs on the same worker."""
    DEDICATED = "dedicated"
    """A worker of its own for each node."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a job asks for: the sizes that its nodes may have, and how many nodes. Memory and disk in MB, per node.

    Any number of cores from `cpus_min` to `cpus_max` will do, or one of `options` where there are some.
    With `total_cpus` (fewest, most) the number of nodes follows from their size and `nodes` does not count.
    """

    cpus_min: int
    cpus_max: int
    memory: int = 0
    memory_per_cpu: int = 0
    disk: int = 0
    nodes: int = 1
    options: tuple[int, ...] = ()
    total_cpus: tuple[int, int] | None = None

    @property
    def single(self) -> bool:
        """Whether it is a job of exactly one node."""
        return self.nodes == 1 and self.total_cpus is None

    def node(self, cpus: int) -> Amount:
        """What a node with so many cores asks for."""
        return Amount(cpus, self.memory + cpus * self.memory_per_cpu, self.disk)

    def nodes_of(self, cpus: int) -> int | None:
        """How many nodes of so many cores it takes; None where no number of them has a total in the range."""
        if self.total_cpus is None:
            return self.nodes
        nodes = self.total_cpus[1] // cpus
        return nodes if nodes >= 1 and nodes * cpus >= self.total_cpus[0] else None

    def fit(self, room: Amount) -> Amount | None:
        """The largest allowed node that fits into the room, None where none does."""
        most = min(self.cpus_max, room.cpus)
        if self.memory_per_cpu:
            most = min(most, (room.memory - self.memory) // self.memory_per_cpu)
        if room.memory < self.memory or room.disk < self.disk:
            return None
        sizes = sorted(self.options, reverse=True) if self.options else range(most, self.cpus_min - 1, -1)
        return next((self.node(cpus) for cpus in sizes if cpus <= most and self.nodes_of(cpus) is not None), None)

    @property
    def smallest(self) -> Amount:
        """The smallest node it could do with."""
        return self.node(min(self.options) if self.options else self.cpus_min)


@dataclass(frozen=True, slots=True)
class Placement:
    """Names of sites and regions; empty means any. A site must be in both where both are given."""

    sites: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()

    def admits(self, site: str, region: str) -> bool:
        """Whether the site is among the named ones."""
        return (not self.sites or site in self.sites) and (not self.regions or region in self.regions)


@dataclass(frozen=True, slots=True)
class Group:
    """`count` idle jobs that are alike. Times are seconds of the caller's clock."""

    key: str
    count: int
    needs: Needs
    user: str
    vo: str
    since: float
    """When the oldest of them became idle."""
    walltime: float = 720 * 60
    """The longest that one may run, seconds."""
    scaling: Scaling = Scaling.SHARED
    preemptible: bool = False
    required: Placement = Placement()
    preferred: Placement = Placement()
    priority: int = 0
    leaves_at: float | None = None
    """When `maximumTimeInQueue` takes the oldest of them away."""

    @property
    def own(self) -> bool:
        """Whether it gets workers of its own."""
        return self.scaling is Scaling.DEDICATED or not self.needs.single
