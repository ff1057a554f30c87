"""What the description selects, looked up in the cloud: the image, flavors, networks, zones; kept for some minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from pydantic import Field

from cloud_provisioner.drivers.contract import CloudRefused
from cloud_provisioner.drivers.openstack.cloud import EXTRA_SPECS_IN_LISTS, Cloud
from cloud_provisioner.drivers.openstack.entries import Entries, Shown
from cloud_provisioner.drivers.openstack.errors import Answered
from cloud_provisioner.drivers.openstack.flavors import CloudFlavor
from cloud_provisioner.drivers.openstack.images import CloudImage, newest
from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.drivers.openstack.zones import Zones
from cloud_provisioner.servers.failures import Failure

KEPT = 300.0
"""Seconds for which what was found is used without looking again."""


class CloudNetwork(Shown):
    """A network as Neutron shows it."""

    id: str = Field(pattern=r"^[A-Za-z0-9-]+$")
    name: str = ""


class ExtraSpecs(Shown):
    """A flavor's extra specs as an old Nova shows them."""

    extra_specs: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Found:
    """What was there when it was looked up; networks and zones only where the description names some."""

    image: CloudImage
    flavors: tuple[CloudFlavor, ...]
    networks: tuple[CloudNetwork, ...]
    zones: Zones | None
    """None: the cloud was not asked, or does not say."""
    notes: tuple[str, ...] = ()
    """Sentences about entries in the cloud's lists that are left out."""


class Discovery:
    """Looks up when first asked, when `kept` seconds are over, and after `forget`. Safe to share between threads."""

    def __init__(
        self, site: OpenStackSite, kept: float = KEPT, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._site = site
        self._kept = kept
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._found: tuple[float, Found] | None = None

    def found(self, cloud: Cloud) -> Found:
        """What the description selects: two calls, and one each for networks and zones. CloudRefused where it has no image."""
        with self._lock:
            now = self._monotonic()
            if self._found is None or now - self._found[0] > self._kept:
                self._found = now, self._look(cloud)
            return self._found[1]

    def forget(self) -> None:
        """Looks again next time: the cloud did not take what was found."""
        with self._lock:
            self._found = None

    def image(self, cloud: Cloud) -> CloudImage:
        """The image, looked up now. CloudRefused where there is none."""
        return newest(self._images(cloud).usable, self._site.image)

    def flavors(self, cloud: Cloud) -> Entries[CloudFlavor]:
        """All flavors, looked up now."""
        there = cloud.entries("compute", "/flavors/detail", "flavors", CloudFlavor)
        if self._site.flavors.properties and cloud.version() < EXTRA_SPECS_IN_LISTS:
            specified = (flavor.model_copy(update=_specs(cloud, flavor)) for flavor in there.usable)
            return replace(there, usable=tuple(specified))
        return there

    def networks(self, cloud: Cloud) -> Entries[CloudNetwork]:
        """All networks, looked up now; none where the description names none."""
        if not self._site.networks and not any(vo.networks for vo in self._site.vos.values()):
            return Entries()
        return cloud.entries("network", "/networks", "networks", CloudNetwork)

    def zones(self, cloud: Cloud) -> Zones | None:
        """All zones, looked up now; None where the description names none, or the cloud does not show them."""
        if not self._site.availability_zones:
            return None
        try:
            return cloud.one("compute", "/os-availability-zone", Zones)
        except Answered as error:
            if error.http_status not in (403, 404):
                raise
            return None

    def _look(self, cloud: Cloud) -> Found:
        images = self._images(cloud)
        image = newest(images.usable, self._site.image)
        flavors, networks = self.flavors(cloud), self.networks(cloud)
        notes = (*images.notes("image"), *flavors.notes("flavors"), *networks.notes("networks"))
        return Found(image, flavors.usable, networks.usable, self.zones(cloud), notes)

    def _images(self, cloud: Cloud) -> Entries[CloudImage]:
        wanted = self._site.image
        if wanted.id is None:
            query = {"status": "active"} | ({"name": wanted.name} if wanted.name else {})
            return cloud.entries("image", "/images", "images", CloudImage, **query)
        try:
            # A list does not show what another project offers to everyone.
            return Entries((cloud.one("image", f"/images/{quote(wanted.id)}", CloudImage),))
        except Answered as error:
            if error.http_status != 404:
                raise
            return Entries()


def _specs(cloud: Cloud, flavor: CloudFlavor) -> Mapping[str, Any]:
    """The extra specs of one flavor, which an old cloud does not give in its list; None where it hides them."""
    try:
        found = cloud.one("compute", f"/flavors/{quote(flavor.id)}/os-extra_specs", ExtraSpecs)
    except Answered as error:
        if error.http_status not in (403, 404):
            raise
        return {"extra_specs": None}
    return {"extra_specs": found.extra_specs}


def network_ids(networks: Iterable[CloudNetwork], site: OpenStackSite, vo: str) -> tuple[str, ...]:
    """The ids of a VO's networks; none where the cloud is to choose. CloudRefused."""
    own = site.vos[vo].networks
    return tuple(_network(name, networks) for name in (site.networks if own is None else own))


def networks_missing(found: Found, site: OpenStackSite, vos: Sequence[str]) -> tuple[str, ...]:
    """Sentences about VOs whose networks are not clear. CloudRefused where that is so for all of them."""
    missing = []
    for vo in vos:
        try:
            network_ids(found.networks, site, vo)
        except CloudRefused as error:
            missing.append(error)
    if len(missing) == len(vos):
        raise missing[0]
    return tuple(error.sentence for error in missing)


def _network(wanted: str, networks: Iterable[CloudNetwork]) -> str:
    ids = [network.id for network in networks if wanted == network.id] or [
        network.id for network in networks if wanted == network.name
    ]
    if len(ids) == 1:
        return ids[0]
    says = "is the name of several networks: give the id" if ids else "is no network that the project sees: correct it"
    raise CloudRefused(Failure.BAD_REQUEST, f"`networks`: {wanted} {says}.")
