"""What the process that speaks to the pool answers. Importing this brings nothing of HTCondor with it."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.supply import Server
from cloud_provisioner.servers.views import PoolView


@dataclass(frozen=True, slots=True)
class Observation:
    """One look. `groups` or `pool` is None where that part failed; what is empty was seen to be so. `troubles` tells of
    that, and of ads that were left out.

    `static` are the workers that somebody else brings. `took` is in seconds.
    """

    groups: tuple[Group, ...] | None
    pool: PoolView | None
    static: tuple[Server, ...]
    took: float
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """So many jobs were told their reasons; for `left` there was no time, they are told after the next look."""

    told: int
    left: int
