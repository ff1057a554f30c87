"""Descriptions of the tests' clouds, as a site's admin would write them, and accounts at them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from cloud_provisioner.drivers.contract import Account, Credential, Order
from cloud_provisioner.drivers.openstack.calls import connect
from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from tests.cloud.openstack import people
from tests.cloud.openstack.place import Place

SERVICE = "prominence"
SECRETS: Mapping[str, str] = {"PASSWORD": people.USER_PASSWORD, "WRONG": "wrong"}
SLEEPS = "#!/bin/sh\nexec sleep infinity\n"
PASSWORD = {"type": "password", "username": people.USER, "password": {"env": "PASSWORD"}}


def site(place: Place, **more: object) -> OpenStackSite:
    """A site with the VO `biology`, and the project of this name."""
    described: dict[str, object] = {
        "name": "A",
        "driver": "openstack",
        "endpoint": place.keystone,
        "credentials": PASSWORD,
        "vos": {"biology": {"project_name": "biology"}},
        "image": {"name": "prominence-worker"},
        "networks": ["private"],
        "price": 0.5,
    }
    return OpenStackSite.model_validate(described | more)


def account(
    place: Place,
    *,
    vo: str = "biology",
    credential: Credential | None = None,
    secrets: Mapping[str, str] = SECRETS,
    patience: float = 30,
    **more: object,
) -> Account:
    """An account at such a site."""
    return connect(site(place, **more), vo, credential, secrets, patience)


def order(flavor: str = "small", vo: str = "biology", name: str = "worker", user_data: str = SLEEPS) -> Order:
    """An order of a server with a uuid of its own."""
    uuid = uuid4().hex
    return Order(uuid, f"{name}-{uuid}", SERVICE, flavor, vo, user_data)
