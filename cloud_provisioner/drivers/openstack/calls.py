"""The calls of the driver for OpenStack; see `drivers.contract` for what they promise.

How many requests a call makes, beside signing in (one, or two with an OIDC access token) and asking Nova for its versions:
`listing` one for each page as large as the cloud allows; `create` and `delete` one; `offer` one for the limits. `offer` and
`create` look up the image, the flavors, the networks and the zones, with one request each, when that was longer ago than
some minutes.

Lists are not filtered at the cloud: a filter silently leaves out the servers of a cell that is down, and those without a
tag. No config drive, key or security group is asked for; an image asks for a config drive by `img_config_drive: mandatory`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import Field

from cloud_provisioner.amounts import Amount
from cloud_provisioner.drivers.contract import CloudRefused, Credential, Offer, Order, Probe
from cloud_provisioner.drivers.openstack import servers, zones
from cloud_provisioner.drivers.openstack.answers import Doing, understood
from cloud_provisioner.drivers.openstack.cloud import NETWORKS_ARE_SAID, TAGS_AT_CREATION, Cloud
from cloud_provisioner.drivers.openstack.discovery import Discovery, network_ids, networks_missing
from cloud_provisioner.drivers.openstack.entries import Shown
from cloud_provisioner.drivers.openstack.errors import Answered
from cloud_provisioner.drivers.openstack.flavors import offered
from cloud_provisioner.drivers.openstack.probing import probes
from cloud_provisioner.drivers.openstack.saying import message_of
from cloud_provisioner.drivers.openstack.schema import OpenStackSite, UserGrant
from cloud_provisioner.drivers.openstack.signing_in import SigningIn
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import CloudView
from cloud_provisioner.sites.base import ANY_VO, Site


class _Limits(Shown):
    """Nova's limits of a project; -1: none. Memory in MB."""

    servers: int = Field(-1, alias="maxTotalInstances")
    cores: int = Field(-1, alias="maxTotalCores")
    memory: int = Field(-1, alias="maxTotalRAMSize")
    used_servers: int = Field(0, alias="totalInstancesUsed")
    used_cores: int = Field(0, alias="totalCoresUsed")
    used_memory: int = Field(0, alias="totalRAMUsed")


class OpenStackAccount:
    """One project at one site; see `drivers.contract.Account`."""

    def __init__(self, site: OpenStackSite, vos: Sequence[str], cloud: Cloud, discovery: Discovery) -> None:
        self._site = site
        self._vos = vos
        self._cloud = cloud
        self._discovery = discovery

    def offer(self) -> Offer:
        """As the contract says; flavors with the room that they leave to jobs, as `flavors` reckons it. Nova counts a
        server as used some moments after it was accepted.
        """
        with self._doubting_what_was_found():
            with self._asking(Doing.LOOK):
                found = self._discovery.found(self._cloud)
                limits = self._cloud.limits(_Limits)
            without = networks_missing(found, self._site, self._vos)
            zones.usable(found.zones, self._site.availability_zones)
        without = (*without, *zones.missing(found.zones, self._site.availability_zones))
        flavors, notes = offered(found.flavors, self._site.flavors, found.image, self._site.price)
        most = Limits(_or_none(limits.servers), _or_none(limits.cores), _or_none(limits.memory))
        used = Amount(limits.used_cores, limits.used_memory, 0)
        return Offer(flavors, most, used, limits.used_servers, (*found.notes, *without, *notes))

    def probe(self, vo: str) -> Sequence[Probe]:
        """Signing in, the image, flavors, the VO's networks."""
        return probes(self._site, _key(self._site, vo), self._cloud, self._discovery)

    def listing(self, begun_at: float) -> CloudView:
        """As the contract says. Not complete where a part of the cloud is down, so that some servers show no metadata;
        Nova before its microversion 2.69 leaves these out without a word. Nor where one of ours cannot be understood.
        """
        with self._asking(Doing.LIST):
            there = self._cloud.entries("compute", "/servers/detail", "servers", servers.CloudServer)
            return servers.view(there, begun_at)

    def create(self, order: Order) -> str:
        """As the contract says."""
        with self._doubting_what_was_found():
            server = self._server(order)
            with self._asking(Doing.CREATE):
                return self._cloud.create(**server)

    def delete(self, cloud_id: str) -> bool:
        """As the contract says. Only Nova's own 404 counts: one of a proxy's says nothing about the server. A conflict is
        one with a delete that is under way, unless somebody has locked the server.
        """
        if not servers.is_id(cloud_id):
            return True
        with self._asking(Doing.DELETE):
            try:
                self._cloud.delete(cloud_id)
            except Answered as error:
                if error.http_status == 404 and servers.is_unknown(error.answer.content):
                    return True
                if error.http_status != 409 or "locked" in message_of(error.answer):
                    raise
        return False

    def close(self) -> None:
        """As the contract says."""
        self._cloud.close()

    def _server(self, order: Order) -> Mapping[str, Any]:
        """What novaclient is given to make a server. CloudRefused."""
        servers.check_user_data(order)
        with self._asking(Doing.LOOK):
            found = self._discovery.found(self._cloud)
            version = self._cloud.version()
        flavor = next((one.id for one in found.flavors if one.name == order.flavor), None)
        if flavor is None:
            says = f"`flavors`: the cloud does not have the flavor {order.flavor} any more"
            raise CloudRefused(Failure.BAD_REQUEST, f"{says}: it is left out from now on.")
        networks = [{"net-id": one} for one in network_ids(found.networks, self._site, _key(self._site, order.vo))]
        return {
            "name": order.name,
            "image": found.image.id,
            "flavor": flavor,
            "meta": servers.metadata(order),
            "tags": [servers.TAG] if version >= TAGS_AT_CREATION else None,
            "userdata": order.user_data,
            "nics": networks or ("auto" if version >= NETWORKS_ARE_SAID else None),
            "availability_zone": zones.choose(found.zones, self._site.availability_zones, order.zone),
        }

    @contextmanager
    def _doubting_what_was_found(self) -> Iterator[None]:
        """Looks up anew next time where something selected is refused."""
        try:
            yield
        except CloudRefused as error:
            if error.failure in (Failure.BAD_REQUEST, Failure.CAPACITY):
                self._discovery.forget()
            raise

    @contextmanager
    def _asking(self, doing: Doing) -> Iterator[None]:
        with understood(self._site, doing):
            try:
                yield
            except Answered as error:
                if error.http_status == 406:  # the cloud was updated, or is older than it was
                    self._cloud.forget_version()
                raise


def accounts(site: Site) -> Sequence[Sequence[str]]:
    """As the contract says: VOs share a project where the description says the same of it."""
    found: dict[tuple[str | None, ...], list[str]] = {}
    for name, vo in _described(site).vos.items():
        project = (vo.project_id,) if vo.project_id else (vo.project_name, vo.project_domain)
        found.setdefault(project, []).append(name)
    return tuple(tuple(names) for names in found.values())


def per_user(site: Site) -> bool:
    """As the contract says."""
    return isinstance(_described(site).credentials, UserGrant)


def connect(
    site: Site, vo: str, credential: Credential | None, environ: Mapping[str, str], patience: float
) -> OpenStackAccount:
    """As the contract says. CloudRefused too where the file with the certificates cannot be read."""
    described = _described(site)
    key = _key(described, vo)
    try:
        if described.ca_certificate is not None:
            ssl.create_default_context(cafile=described.ca_certificate)
    except OSError as error:
        why = "it has no PEM certificates" if isinstance(error, ssl.SSLError) else error.strerror
        says = f"`ca_certificate`: the file {described.ca_certificate} cannot be used ({why})"
        raise CloudRefused(Failure.BAD_REQUEST, f"{says}: correct it, its path or its rights.") from None
    cloud = Cloud(described, SigningIn(described, key, credential, environ), patience)
    vos = next(group for group in accounts(site) if key in group)
    return OpenStackAccount(described, vos, cloud, Discovery(described))


def _described(site: Site) -> OpenStackSite:
    if isinstance(site, OpenStackSite):
        return site
    raise CloudRefused(Failure.BAD_REQUEST, f"`driver`: the site {site.name} is none of OpenStack.")


def _key(site: OpenStackSite, vo: str) -> str:
    """The key in the description's `vos` under which a VO stands."""
    for key in (vo, ANY_VO):
        if key in site.vos:
            return key
    raise CloudRefused(Failure.BAD_REQUEST, f'`vos`: the site serves no VO {vo}: add it, or `"*"` for all.')


def _or_none(limit: int) -> int | None:
    return limit if limit >= 0 else None
