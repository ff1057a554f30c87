"""Flavors: which of Nova's the description selects, on which of them the image boots, what jobs find there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import Field

from cloud_provisioner.amounts import Amount
from cloud_provisioner.drivers.openstack.entries import Shown
from cloud_provisioner.drivers.openstack.images import CloudImage
from cloud_provisioner.drivers.openstack.schema import FlavorSelector
from cloud_provisioner.planning.places import Flavor

_MB = 1024
"""MB in a GB, as in flavors and jobs."""
SYSTEM_MEMORY = 256
"""MB that the operating system and the pool's daemons take on a worker..."""
KERNEL_PERCENT = 3
"""...and percent of the flavor's memory that the kernel keeps for itself: MemTotal is 1.6 to 2.6 percent less."""
SYSTEM_DISK = 512
"""MB that the first boot writes beside the image..."""
FILE_SYSTEM_PERCENT = 5
"""...and percent of the rest that a file system keeps for itself."""
_NOTED = 20


class CloudFlavor(Shown):
    """A flavor as Nova shows it: memory in MB, disk in GB. Its ephemeral disk is not used."""

    id: str = Field(pattern=r"^[^/?#]+$")
    name: str
    vcpus: int
    ram: int
    disk: int
    disabled: bool = Field(False, alias="OS-FLV-DISABLED:disabled")
    extra_specs: Mapping[str, object] | None = None
    """None: the cloud does not show them."""


def offered(
    flavors: Iterable[CloudFlavor], wanted: FlavorSelector, image: CloudImage, price: float
) -> tuple[tuple[Flavor, ...], tuple[str, ...]]:
    """The flavors that can be used, the cheapest first, and sentences about those that are wanted but cannot be.

    `price` is that of a core for an hour.
    """
    there = list(flavors)
    selected = [flavor for flavor in there if _selected(flavor, wanted)]
    usable, notes = [], list(_missing(there, selected, wanted))
    for flavor in sorted(selected, key=lambda one: (one.vcpus, one.ram, one.disk, one.name)):
        room = _room(flavor, image)
        if why := _unfit(flavor, image, room):
            notes.append(f"`flavors`: {flavor.name} is left out: {why}.")
        else:
            size = Amount(flavor.vcpus, flavor.ram, flavor.disk * _MB)
            taken = flavor.name in wanted.preemptible
            usable.append(Flavor(flavor.name, size, room, price * flavor.vcpus, taken))
    more = len(notes) - _NOTED
    return tuple(usable), tuple(notes[:_NOTED] + ([f"`flavors`: {more} more like these."] if more > 0 else []))


def _selected(flavor: CloudFlavor, wanted: FlavorSelector) -> bool:
    specs = flavor.extra_specs or {}
    return (
        not flavor.disabled
        and (not wanted.names or flavor.name in wanted.names)
        and wanted.min_cores <= flavor.vcpus <= (wanted.max_cores or flavor.vcpus)
        and wanted.min_memory_gb * _MB <= flavor.ram <= (wanted.max_memory_gb or float("inf")) * _MB
        and flavor.disk >= wanted.min_disk_gb
        and all(str(specs.get(name)) == value for name, value in wanted.properties.items())
    )


def _unfit(flavor: CloudFlavor, image: CloudImage, room: Amount) -> str | None:
    """Why the image cannot be booted on a flavor, or no job would have room there."""
    if flavor.disk == 0:
        return "it has no disk of its own, and volumes are not made for workers"
    if flavor.disk < image.disk_gb():
        return f"it has {flavor.disk} GB of disk, the image needs {image.disk_gb()}"
    if flavor.ram < image.min_ram:
        return f"it has {flavor.ram} MB of memory, the image needs {image.min_ram}"
    if flavor.vcpus < 1:
        return "it has no core"
    if room.memory <= 0 or room.disk <= 0:
        return "the operating system would leave no memory or no disk to jobs"
    return None


def _room(flavor: CloudFlavor, image: CloudImage) -> Amount:
    """What jobs find on a worker, rather too little than too much: a job that is promised room must get it."""
    memory = flavor.ram * (100 - KERNEL_PERCENT) // 100 - SYSTEM_MEMORY
    disk = (flavor.disk - image.disk_gb()) * _MB * (100 - FILE_SYSTEM_PERCENT) // 100 - SYSTEM_DISK
    return Amount(flavor.vcpus, memory, disk)


def _missing(there: list[CloudFlavor], selected: list[CloudFlavor], wanted: FlavorSelector) -> Iterator[str]:
    names = {flavor.name for flavor in there}
    for key, wished in (("names", wanted.names), ("preemptible", wanted.preemptible)):
        for name in wished:
            if name not in names:
                yield f"`flavors.{key}`: there is no flavor {name} for this project: correct the name or leave it out."
    if wanted.properties and any(flavor.extra_specs is None for flavor in there):
        yield "`flavors.properties`: the cloud does not show extra specs: select flavors by name."
    if not selected:
        yield f"`flavors`: none of the {len(there)} flavors meets all that is said: ask for less."
