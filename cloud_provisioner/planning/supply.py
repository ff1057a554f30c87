"""The servers that there are, as the planner sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cloud_provisioner.amounts import NOTHING, Amount
from cloud_provisioner.servers.record import ANYONE, Binding, Intent, Purpose
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import PoolView

COMING = (State.INTENDED, State.SENDING, State.UNSURE, State.ORPHANED, State.BUILDING, State.JOINING)
"""States of a server that is counted on and not there yet."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server or worker. `room` is what jobs can still get on it, `size` what it uses of the site's limits.

    A worker that somebody else brings is not `ours`: its room counts, so that nothing is booted for jobs that it will take, but
    it uses none of our limits and is never given back. It may be of a site, and a `region`, that nobody has described; its uuid
    may be empty.
    """

    uuid: str
    site: str
    flavor: str
    state: State
    size: Amount
    room: Amount
    made_at: float = 0.0
    binding: Binding = ANYONE
    purpose: Purpose = Purpose.SHARED
    preemptible: bool = False
    idle_since: float | None = None
    ours: bool = True
    region: str = ""
    """Of a worker that is not ours; our servers have their site's."""


def supply(intents: Iterable[Intent], pool: PoolView | None) -> tuple[Server, ...]:
    """The servers of these records. Where the pool did not answer (None), joined workers have no room to count on."""
    return tuple(_server(intent, pool) for intent in intents)


def _server(intent: Intent, pool: PoolView | None) -> Server:
    room = intent.room if intent.state in COMING and not intent.unwanted else NOTHING
    worker = pool.workers.get(intent.uuid) if pool else None
    if intent.state is State.READY and worker is not None and not worker.draining:
        room = worker.free
    return Server(
        intent.uuid,
        intent.site,
        intent.flavor,
        intent.state,
        intent.size,
        room,
        intent.made_at,
        intent.binding,
        intent.purpose,
        intent.preemptible,
        intent.idle_since if worker is not None else None,
    )
