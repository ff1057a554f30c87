"""How large a node of a job may be, and how HTCondor is told to give it the largest that fits where it runs. Pure.

A worker is one partitionable slot, and RequestCpus may look at what that has left when the job is matched with it: it is an
expression over TARGET.Cpus where a job leaves its size open. Seen without a worker, in the queue and by those who plan
workers, the same expression gives the fewest CPUs. All numbers in it come from a validated document.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from api.documents.resources import Resources
from pool.attributes import Job

_MB = 1024
"""Megabytes in a gigabyte."""


@dataclass(frozen=True)
class Sizes:
    """The CPUs that a node may have: any number from `least` to `most`, or one of `options` where there are some."""

    least: int
    most: int
    options: tuple[int, ...] = ()
    memory: int | float | None = None
    """GB of a node, whatever its CPUs; None: so much for each of them."""
    memory_per_cpu: int | float = 0
    """GB."""

    @property
    def is_open(self) -> bool:
        """Whether there is a choice."""
        return self.least != self.most

    @property
    def request_cpus(self) -> str:
        """The submit command of that name: a number, or an expression that gives the largest size that fits the worker."""
        if not self.is_open:
            return str(self.least)
        per_cpu = 0 if self.memory is not None else self._mb_per_cpu
        if self.options:
            room = f" && (TARGET.Memory ?: 0) >= {self.most * per_cpu}" if per_cpu else ""
            return f"ifThenElse((TARGET.Cpus ?: 0) >= {self.most}{room}, {self.most}, {self.least})"
        room = f", (TARGET.Memory ?: 0) / {per_cpu}" if per_cpu else ""
        return f"max({{{self.least}, min({{{self.most}, TARGET.Cpus ?: 0{room}}})}})"

    @property
    def request_memory(self) -> str:
        """The submit command of that name, MB."""
        if self.memory is not None:
            return str(math.ceil(self.memory * _MB))
        if self.is_open:
            return f"{self._mb_per_cpu} * RequestCpus"
        return str(math.ceil(self.memory_per_cpu * self.least * _MB))

    @property
    def attributes(self) -> dict[str, str]:
        """What those who plan workers are to know of a choice of sizes."""
        if not self.is_open:
            return {}
        ours: dict[str, str] = {Job.CPUS_MAX: str(self.most)}
        if self.options:
            ours[Job.CPUS_OPTIONS] = f"{{{', '.join(map(str, self.options))}}}"
        if self.memory is None:
            ours[Job.MEMORY_PER_CPU] = str(self._mb_per_cpu)
        return ours

    @property
    def told(self) -> dict[str, Any]:
        """What the executor is told, memory in GB; where there is a choice it looks at what the job got."""
        if not self.is_open:
            memory = self.memory_per_cpu * self.least if self.memory is None else self.memory
            return {"cpus": self.least, "memory": memory}
        memory_told = {"memoryPerCpu": self.memory_per_cpu} if self.memory is None else {"memory": self.memory}
        return {"cpus": self.least, "cpusMax": self.most, "cpusOptions": list(self.options), **memory_told}

    @property
    def _mb_per_cpu(self) -> int:
        return math.ceil(self.memory_per_cpu * _MB)


def sizes(resources: Resources) -> Sizes:
    """The sizes that the only node of a job may have."""
    # What the total allows beside the CPUs of a node.
    low, high = resources.total_cpus_range or (1, resources.cpus_max)
    least, most = max(resources.cpus_min, low), min(resources.cpus_max, high)
    options = tuple(sorted({cpus for cpus in resources.cpus_options or () if low <= cpus <= high}))
    if options:
        least, most = options[0], options[-1]
    return Sizes(least, most, options, resources.memory, resources.memory_per_cpu or 0)
