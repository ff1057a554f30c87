"""What a cycle is given: what one look at the pool has shown, and what holds for every cycle."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cloud_provisioner.drivers.contract import Order
from cloud_provisioner.planning.decisions import Policy
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.supply import Server
from cloud_provisioner.servers.record import Intent, Times
from cloud_provisioner.servers.views import PoolView
from cloud_provisioner.sites import base


@dataclass(frozen=True)
class View:
    """What one look at the pool has shown: idle jobs, our workers, and workers that somebody else brings.

    `groups` or `pool` is None where that part of the look failed; what is empty was seen to be so.
    """

    groups: Sequence[Group] | None
    pool: PoolView | None
    static: Sequence[Server] = ()


@dataclass(frozen=True)
class Terms:
    """What holds for every cycle of a process. `order` makes the order of a server for a VO of its
    place, after so many zones that had no room."""

    service: str
    times: Times
    policy: Policy
    order: Callable[[Intent, base.Site, str, int], Order]
    new_uuid: Callable[[], str]
    may_act: Callable[[], bool]
    """Whether the lease still holds; asked in any thread, right before a call to a cloud."""
    leaks_apart: float = 30.0
    steady: Callable[[], float] = time.monotonic
    """Seconds of a clock that is never set."""
