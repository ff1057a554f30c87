"""Ads of workers -> the provisioner's own workers by server, and the room on those that somebody else brings. Pure.

What counts as whose worker is what its identity says, which the collector has checked: a worker that claims to run on a server
of ours, and is authenticated as something else, is not ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cloud_provisioner.amounts import NOTHING
from cloud_provisioner.observing.reading import Ad, amount, each, number, text
from cloud_provisioner.planning.supply import Server
from cloud_provisioner.servers.record import Binding, Purpose
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import PoolView, Worker
from pool.attributes import AUTHENTICATED_IDENTITY, Machine
from pool.binding import WorkerIdentity, parsed
from pool.submission import unescaped


class Workers(NamedTuple):
    """Our workers, the others as the planner takes them, and the names of workers whose ads cannot be read."""

    ours: PoolView
    others: tuple[Server, ...]
    odd: list[str]


class _Read(NamedTuple):
    """One worker: on which server of ours it runs, or what it is to the planner if it is none of ours and takes jobs."""

    server: str | None
    worker: Worker
    other: Server | None


def seen(ads: Iterable[Ad], up_since: float, now: float) -> Workers:
    """The workers in the pool. `ads` are those of partitionable slots, one a worker.

    Two servers may bear the same uuid, after a create call whose answer was lost: the worker with jobs counts, or the one with
    the lower id of the cloud.
    """
    ours: dict[str, Worker] = {}
    found, odd = each(ads, lambda ad: _read(ad, now), "Name")
    for server, worker, _ in found:
        if server is not None:
            ours[server] = min(ours.get(server, worker), worker, key=_weight)
    others = tuple(one.other for one in found if one.other is not None)
    return Workers(PoolView(ours, up_since), others, odd)


def _read(ad: Ad, now: float) -> _Read:
    identity, worker = parsed(ad.get(AUTHENTICATED_IDENTITY)), _worker(ad)
    if identity.server is not None and ad.get(Machine.SERVER) == identity.server:
        return _Read(identity.server, worker, None)
    return _Read(None, worker, None if worker.draining else _other(ad, worker, identity, now))


def _weight(worker: Worker) -> tuple[bool, str, str]:
    return not worker.jobs, worker.cloud_id, worker.name


def _worker(ad: Ad) -> Worker:
    return Worker(
        amount(ad, "TotalSlot"),
        amount(ad),
        text(ad, Machine.CLOUD_ID),
        # A slot of its own that has no job just now is still promised to one.
        number(ad, "NumDynamicSlots"),
        ad.get("Draining") is True or ad.get("State") == "Drained",
        text(ad, "Name"),
    )


def _other(ad: Ad, worker: Worker, identity: WorkerIdentity, now: float) -> Server:
    return Server(
        "",
        unescaped(text(ad, Machine.SITE)),
        "",
        State.READY,
        NOTHING,
        worker.free,
        binding=Binding(identity.owner, identity.group),
        purpose=Purpose.OWN if ad.get(Machine.PURPOSE) == Purpose.OWN else Purpose.SHARED,
        preemptible=ad.get(Machine.PREEMPTIBLE) is True,
        idle_since=None if worker.jobs else now,
        ours=False,
        region=unescaped(text(ad, Machine.REGION)),
    )
