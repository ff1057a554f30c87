"""Ads of workers -> the provisioner's own workers by server, and the room on those that somebody else brings. Pure.

What counts as whose worker is what its identity says, which the collector has checked: a worker that claims to run on a server
of ours, and is authenticated as something else, is not ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloud_provisioner.amounts import NOTHING, Amount
from cloud_provisioner.planning.supply import Server
from cloud_provisioner.servers.record import Binding, Purpose
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import PoolView, Worker
from pool.attributes import AUTHENTICATED_IDENTITY, Machine
from pool.binding import WorkerIdentity, parsed
from pool.submission import unescaped

Ad = Mapping[str, Any]

_MB = 1024
"""KB in a MB: HTCondor counts disk in KB."""


def seen(ads: Iterable[Ad], up_since: float, now: float) -> tuple[PoolView, tuple[Server, ...]]:
    """Our workers, and the others as the planner takes them. `ads` are those of partitionable slots, one a worker.

    Two servers may bear the same uuid, after a create call whose answer was lost: the worker with jobs counts, or the one with
    the lower id of the cloud.
    """
    ours: dict[str, Worker] = {}
    others = []
    for ad in ads:
        identity = parsed(ad.get(AUTHENTICATED_IDENTITY))
        worker = _worker(ad)
        if identity.server is None or ad.get(Machine.SERVER) != identity.server:
            if not worker.draining:
                others.append(_other(ad, worker, identity, now))
            continue
        rival = ours.get(identity.server)
        if rival is None or _weight(worker) < _weight(rival):
            ours[identity.server] = worker
    return PoolView(ours, up_since), tuple(others)


def _weight(worker: Worker) -> tuple[bool, str, str]:
    return not worker.jobs, worker.cloud_id, worker.name


def _worker(ad: Ad) -> Worker:
    return Worker(
        _amount(ad, "TotalSlotCpus", "TotalSlotMemory", "TotalSlotDisk"),
        _amount(ad, "Cpus", "Memory", "Disk"),
        str(ad.get(Machine.CLOUD_ID) or ""),
        # A slot of its own that has no job just now is still promised to one.
        _number(ad, "NumDynamicSlots"),
        ad.get("Draining") is True or ad.get("State") == "Drained",
        str(ad.get("Name") or ""),
    )


def _other(ad: Ad, worker: Worker, identity: WorkerIdentity, now: float) -> Server:
    return Server(
        "",
        unescaped(str(ad.get(Machine.SITE) or "")),
        "",
        State.READY,
        NOTHING,
        worker.free,
        binding=Binding(identity.owner, identity.group),
        purpose=Purpose.OWN if ad.get(Machine.PURPOSE) == Purpose.OWN else Purpose.SHARED,
        preemptible=ad.get(Machine.PREEMPTIBLE) is True,
        idle_since=None if worker.jobs else now,
        ours=False,
        region=unescaped(str(ad.get(Machine.REGION) or "")),
    )


def _amount(ad: Ad, cpus: str, memory: str, disk: str) -> Amount:
    return Amount(_number(ad, cpus), _number(ad, memory), _number(ad, disk) // _MB)


def _number(ad: Ad, attribute: str) -> int:
    value = ad.get(attribute)
    return int(value) if isinstance(value, (int, float)) else 0
