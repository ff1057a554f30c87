"""The workers that a user's jobs may run on, as the API shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pool.attributes import AUTHENTICATED_IDENTITY, Machine
from pool.binding import may_use

PROJECTION = ("Cpus", "Memory", "TotalSlotCpus", "TotalSlotMemory", Machine.SITE, AUTHENTICATED_IDENTITY)
"""Attributes of a worker's ad that `existing` looks at."""

_MB_PER_GB = 1024


def existing(machines: Iterable[Mapping[str, Any]], owner: str, group: str) -> list[dict[str, object]]:
    """Capacity and what is free of it (CPUs, and memory in GB), and site of each worker that jobs of `owner` under the
    accounting group `group` may use."""
    return [
        {
            "capacity": _amount(machine.get("TotalSlotCpus"), machine.get("TotalSlotMemory")),
            "free": _amount(machine.get("Cpus"), machine.get("Memory")),
            "site": machine.get(Machine.SITE) or "",
        }
        for machine in machines
        if may_use(owner, group, machine.get(AUTHENTICATED_IDENTITY))
    ]


def _amount(cpus: Any, megabytes: Any) -> dict[str, float]:
    return {"cpus": int(cpus or 0), "memory": round((megabytes or 0) / _MB_PER_GB, 3)}
