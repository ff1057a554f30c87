"""Why a job does not run on each worker that is there, in our words where these suffice, else by HTCondor's verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloud_provisioner.admin.tables import counted, gigabytes
from cloud_provisioner.amounts import Amount
from cloud_provisioner.observing.reading import Ad, amount, text
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.servers.record import Purpose
from pool.attributes import AUTHENTICATED_IDENTITY, Machine
from pool.binding import may_use, parsed
from pool.submission import unescaped


@dataclass(frozen=True, slots=True)
class Seat:
    """A worker as a job finds it: what is free on it, and why the job does not go there; empty: nothing that we know."""

    name: str
    free: Amount
    roomy: bool
    """Whether it has room for a node of the job."""
    why: str = ""


def at_workers(group: Group, ads: Iterable[Ad]) -> list[Seat]:
    """The workers (ads of partitionable slots with `pool.head.SLOT`), those with room first, then by name."""
    seats = [_seat(group, ad) for ad in ads]
    return sorted(seats, key=lambda seat: (not seat.roomy, seat.why != "", seat.name))


def _seat(group: Group, ad: Ad) -> Seat:
    free, total = amount(ad), amount(ad, "TotalSlot")
    roomy = group.needs.fit(free) is not None
    why = _excluded(group, ad)
    if why is None and not roomy:
        why = "has no room left" if group.needs.fit(total) else "is too small, even when it is empty"
    return Seat(text(ad, "Name"), free, roomy, why or "")


def _excluded(group: Group, ad: Ad) -> str | None:
    """What shuts the job out whatever its size."""
    identity = text(ad, AUTHENTICATED_IDENTITY)
    if ad.get("Draining") is True or ad.get("State") == "Drained":
        return "takes no more jobs: it is being given back"
    if not may_use(group.user, group.vo, identity):
        whose = parsed(identity)
        names = [f"of {whose.owner}" if whose.owner else "", f"under {whose.group}" if whose.group else ""]
        return f"runs jobs {' '.join(filter(None, names))} alone"
    if not group.required.admits(text(ad, Machine.SITE), text(ad, Machine.REGION)):
        return f"is at {unescaped(text(ad, Machine.SITE)) or 'no site'}, which the job's placement excludes"
    if ad.get(Machine.PREEMPTIBLE) is True and not group.preemptible:
        return "may be taken away by its cloud, which the job does not allow (preemptible)"
    return _unsuited(group, ad)


def _unsuited(group: Group, ad: Ad) -> str | None:
    own = ad.get(Machine.PURPOSE) == Purpose.OWN
    if own and not group.own:
        return "is for jobs that want a worker of their own"
    if not own and group.own and group.needs.single:
        return "is shared by jobs, and this one wants a worker of its own (autoScalingType dedicated)"
    if own and ad.get("NumDynamicSlots"):
        return "has a job already, and takes one at a time"
    return None


def free_text(free: Amount) -> str:
    """What is free, for a table."""
    return f"{counted(free.cpus, 'core')}, {gigabytes(free.memory):g} GB, {gigabytes(free.disk):g} GB disk"


def summary(left_out: Sequence[Seat]) -> str:
    """A line for workers that are not shown one by one."""
    roomy = sum(seat.roomy for seat in left_out)
    return f"… and {len(left_out)} more, {roomy} of them with room"
