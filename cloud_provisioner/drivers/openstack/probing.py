"""The pieces of an OpenStack site, each tried by itself, for who sets it up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cloud_provisioner.drivers.contract import CloudRefused, Probe
from cloud_provisioner.drivers.openstack.answers import Doing, understood
from cloud_provisioner.drivers.openstack.cloud import Cloud
from cloud_provisioner.drivers.openstack.discovery import Discovery, network_ids
from cloud_provisioner.drivers.openstack.flavors import offered
from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.drivers.openstack.zones import usable as usable_zones
from cloud_provisioner.servers.failures import Failure

_NAMED = 8
"""So many flavors are named."""


def probes(site: OpenStackSite, key: str, cloud: Cloud, discovery: Discovery) -> Sequence[Probe]:
    """What can be tried of a site for the VO under this key of the description."""

    def credential() -> str:
        return "signed in; Nova's microversion is {}.{}".format(*cloud.version())

    def image() -> str:
        found = discovery.image(cloud)
        return (
            f"{found.name or 'without a name'} ({found.id}), of {found.created_at or 'no date'}, {found.disk_gb()} GB"
        )

    def flavors() -> str:
        there = discovery.flavors(cloud)
        usable, notes = offered(there.usable, site.flavors, discovery.image(cloud), site.price)
        if not usable:
            why = " ".join((*there.notes("flavors"), *notes))
            raise CloudRefused(Failure.BAD_REQUEST, why or "`flavors`: the cloud has none.")
        more = f" and {len(usable) - _NAMED} more" if len(usable) > _NAMED else ""
        return f"{', '.join(one.name for one in usable[:_NAMED])}{more}"

    def network() -> str:
        ids = network_ids(discovery.networks(cloud).usable, site, key)
        return ", ".join(ids) if ids else "the cloud chooses: the description names none"

    def zones() -> str:
        return ", ".join(usable_zones(discovery.zones(cloud), site.availability_zones))

    pieces = [("credential", credential), ("image", image), ("flavors", flavors), ("network", network)]
    if site.availability_zones:
        pieces.append(("zones", zones))
    return tuple(Probe(name, _asked(site, piece)) for name, piece in pieces)


def _asked(site: OpenStackSite, piece: Callable[[], str]) -> Callable[[], str]:
    def run() -> str:
        with understood(site, Doing.LOOK):
            return piece()

    return run
