"""The image that workers boot: which of those in Glance's list it is, and how much disk it needs. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from pydantic import ConfigDict, Field

from cloud_provisioner.drivers.contract import CloudRefused
from cloud_provisioner.drivers.openstack.entries import Shown
from cloud_provisioner.drivers.openstack.schema import ImageSelector
from cloud_provisioner.servers.failures import Failure

_GB = 1024**3


class CloudImage(Shown):
    """An image as Glance shows it: sizes in bytes, `min_disk` in GB, `min_ram` in MB; its properties are extra fields."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    name: str | None = None
    status: str = ""
    created_at: str = ""
    size: int | None = None
    virtual_size: int | None = None
    min_disk: int = 0
    min_ram: int = 0
    os_hidden: bool = False

    def disk_gb(self) -> int:
        """The disk that a flavor must have for it, in GB."""
        return max(self.min_disk, math.ceil(max(self.size or 0, self.virtual_size or 0) / _GB))

    def has(self, properties: Mapping[str, str]) -> bool:
        """Whether it has all these properties."""
        there = self.model_extra or {}
        return all(str(there.get(name)) == value for name, value in properties.items())


def newest(images: Iterable[CloudImage], wanted: ImageSelector) -> CloudImage:
    """The newest image that can be booted and has all that is said. CloudRefused where there is none."""
    fitting = [
        image
        for image in images
        if image.status == "active"
        and wanted.id in (None, image.id)
        and wanted.name in (None, image.name)
        and image.has(wanted.properties)
        and (wanted.id is not None or not image.os_hidden)
    ]
    if not fitting:
        raise CloudRefused(Failure.BAD_REQUEST, _none(wanted))
    return max(fitting, key=lambda image: (image.created_at, image.id))


def _none(wanted: ImageSelector) -> str:
    said = [f"the id {wanted.id}"] if wanted.id else []
    said += [f"the name {wanted.name}"] if wanted.name else []
    said += [f"the property {name}: {value}" for name, value in wanted.properties.items()]
    key = "id" if wanted.id else "name" if wanted.name else "properties"
    return (
        f"`image.{key}`: the project sees no active image with {' and '.join(said)}: "
        "upload one or share it with the project, or correct what is said."
    )
