"""Availability zones: which of those that the description names take servers now, and in which the next one is made. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from cloud_provisioner.drivers.contract import CloudRefused
from cloud_provisioner.drivers.openstack.entries import Shown
from cloud_provisioner.servers.failures import Failure


class CloudZone(Shown):
    """A zone as Nova shows it. One in which no host works is not available: Nova refuses servers for it."""

    name: str = Field(alias="zoneName")
    state: Mapping[str, object] = Field(default_factory=dict, alias="zoneState")


class Zones(Shown):
    """Nova's list, which has no pages."""

    there: tuple[CloudZone, ...] = Field(alias="availabilityZoneInfo")


def usable(found: Zones | None, wanted: Sequence[str]) -> tuple[str, ...]:
    """The zones in which servers can be made, in the order of the description; none where the cloud is to choose.

    All that are wanted where the cloud does not show its zones. CloudRefused where there is none of them.
    """
    lacking = tuple(missing(found, wanted))
    if wanted and len(lacking) == len(wanted):
        raise CloudRefused(Failure.BAD_REQUEST, " ".join(lacking))
    there = _available(found, wanted)
    return tuple(name for name in wanted if _zone(name) in there)


def choose(found: Zones | None, wanted: Sequence[str], lacked: int) -> str | None:
    """The zone for the next server, after so many that had no room; None: the cloud chooses. CloudRefused."""
    there = usable(found, wanted)
    turns = (wanted[(lacked + step) % len(wanted)] for step in range(len(wanted)))
    return next((name for name in turns if name in there), None)


def missing(found: Zones | None, wanted: Sequence[str]) -> Iterator[str]:
    """Sentences about the zones in which no server can be made now."""
    there = _available(found, wanted)
    for name in wanted:
        if _zone(name) not in there:
            says = "is no zone of the cloud's in which a host works"
            yield f"`availability_zones`: {name} {says}: correct it, or leave it out."


def _available(found: Zones | None, wanted: Sequence[str]) -> set[str]:
    if found is None:
        return {_zone(name) for name in wanted}
    return {zone.name for zone in found.there if zone.state.get("available") is not False}


def _zone(name: str) -> str:
    """Without the host that an admin of a cloud may name, as in `nova:host-7`."""
    return name.partition(":")[0]
