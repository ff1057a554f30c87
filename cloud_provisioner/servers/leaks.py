"""Servers that bear our metadata and have no record: the creates that were forgotten, the deletes that never came.

A server counts as a leak when two complete lists, begun some time apart, show it without a record. The records are read
after the list was begun, so a server that is just being made has one. A leak that works in the pool is no waste: it gets
a record again (the database may have been lost), takes no new jobs, and is given back when its last one ends.

Who checks a site makes a server without a record (`passing`): that is a leak when its own time is over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cloud_provisioner.servers import passing
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import CloudView, Listed, PoolView, Worker


@dataclass(frozen=True, slots=True)
class Leaks:
    """What to delete, what to write a record for, and what to look at again.

    `suspects` (cloud id -> when first seen) goes into the next call.
    """

    delete: tuple[Listed, ...]
    adopt: tuple[Listed, ...]
    suspects: Mapping[str, float]


def leaks(
    cloud: CloudView | None,
    pool: PoolView | None,
    known: Collection[str],
    suspects: Mapping[str, float],
    service: str,
    apart: float = 30,
    pool_settling: float = 300,
) -> Leaks:
    """What a site's list says about leaks; `known` are the uuids with a record, `apart` seconds.

    Without a complete list, or without the answer of a pool that has been up for `pool_settling` seconds, nothing is
    decided and the suspects stay as they are. Other services' servers are never among them.
    """
    if cloud is None or not cloud.complete or pool is None or cloud.begun_at - pool.up_since < pool_settling:
        return Leaks((), (), dict(suspects))
    delete, adopt, seen = [], [], {}
    for uuid, servers in cloud.servers.items():
        for server in servers:
            if server.service == passing.service_of(service) and passing.is_over(uuid, cloud.begun_at):
                delete.append(server)
                continue
            if server.service != service or uuid in known:
                continue
            if uuid in pool.workers:
                adopt.append(server)
                continue
            # A time in the future, which the clock has when it was set back, counts as now.
            first = min(suspects.get(server.cloud_id, cloud.begun_at), cloud.begun_at)
            seen[server.cloud_id] = first
            if cloud.begun_at - first >= apart:
                delete.append(server)
    return Leaks(tuple(delete), tuple(adopt), seen)


def adopted(leak: Listed, worker: Worker, site: str, now: float) -> Intent:
    """The record of a leak that works in the pool: whose jobs it may take is not known any more, so it is drained."""
    return Intent(
        leak.uuid, site, leak.flavor, worker.total, worker.total, now, now, state=State.DRAINING, cloud_id=leak.cloud_id
    )
