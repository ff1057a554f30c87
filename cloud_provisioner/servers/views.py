"""What the cloud and the pool show, as the drivers and the pool's query report it.

A view that failed is None, never an empty one; a list that broke off in the middle is not complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cloud_provisioner.amounts import Amount
from cloud_provisioner.servers.failures import Failure


class Status(StrEnum):
    """A server's status at a cloud, reduced to what matters here."""

    BUILD = "build"
    ACTIVE = "active"
    ERROR = "error"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Listed:
    """One server in a cloud's list that bears our metadata."""

    cloud_id: str
    uuid: str
    service: str
    """The name of the provisioner that made it: others' servers are never touched."""
    status: Status
    flavor: str
    failure: Failure | None = None
    """What an ERROR is about, where the cloud tells."""


@dataclass(frozen=True, slots=True)
class CloudView:
    """A list of one site's servers. `begun_at` is when the call was sent: what was written later cannot be in it."""

    servers: Mapping[str, tuple[Listed, ...]]
    """By our uuid."""
    begun_at: float
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker in the pool: what is free on it, how many jobs it runs, whether it takes no more."""

    total: Amount
    free: Amount
    cloud_id: str
    """The cloud's id of the server that it runs on, as that machine says; empty where it does not know. Of two servers
    with our uuid it tells which is the worker, and for nothing else is it believed."""
    jobs: int = 0
    draining: bool = False
    name: str = ""
    """What HTCondor calls it; by this it is told to drain."""


@dataclass(frozen=True, slots=True)
class PoolView:
    """A complete answer of the collector, workers by our uuid. `up_since` is the collector's start, `heard_since` when it
    was first heard after the last long silence, or after this process's start."""

    workers: Mapping[str, Worker] = field(default_factory=dict)
    up_since: float = 0.0
    heard_since: float = float("-inf")
