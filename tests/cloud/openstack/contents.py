"""What every cloud has when it starts, beside users and projects: their quotas, flavors, images, networks.

flavors      `FLAVORS`
images       `IMAGES`, of which `prominence-worker` is there twice
networks     `private` and `second`, which everybody may use; `hidden`, which only admins see
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keystoneauth1.adapter import Adapter
from keystoneauth1.session import Session
from novaclient.client import Client as Nova

from tests.cloud.openstack.people import PROJECTS, project_id
from tests.cloud.openstack.place import Place

NETWORKS = {"private": ("128/25", True), "second": ("64/27", True), "hidden": ("96/27", False)}
"""Name of a network -> the end of its addresses, and whether everybody may use it."""


@dataclass(frozen=True)
class Size:
    """A flavor: cores, memory in MB, disk in GB, extra specs."""

    cores: int
    memory: int
    disk: int
    specs: Mapping[str, str] = field(default_factory=dict)


FLAVORS = {
    "tiny": Size(1, 512, 1),  # too small for the images
    "small": Size(1, 2048, 10),
    "medium": Size(2, 4096, 20),
    "large": Size(4, 8192, 40),
    "xlarge": Size(8, 16384, 80),
    "gpu": Size(4, 8192, 40, {"aggregate_instance_extra_specs:gpu": "true"}),
    "nowhere": Size(2, 4096, 20, {"trait:CUSTOM_NOWHERE": "required"}),  # no host has it
}

_DEBIAN = {"os_distro": "debian", "os_version": "13"}
IMAGES: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("prominence-worker", {**_DEBIAN, "build": "1"}),
    ("prominence-worker", {**_DEBIAN, "build": "2"}),
    ("debian-13", {**_DEBIAN, "first_process": "stays"}),
    ("broken", {"fault": "build:fail:the image has no kernel"}),
)
"""Name and properties of the images, the older one first; they need 1024 MB of memory and 4 GB of disk."""


def fill(place: Place, admin: Session) -> None:
    """Makes all this in a cloud that runs and has its people."""
    nova = Nova("2.90", session=admin, endpoint_type="internal")
    for name, size in FLAVORS.items():
        flavor = nova.flavors.create(name, size.memory, size.cores, size.disk)
        if size.specs:
            flavor.set_keys(size.specs)
    for name, quota in PROJECTS.items():
        set_quota(admin, name, quota)
    _images(Adapter(admin, service_type="image", interface="internal"))
    _networks(place, Adapter(admin, service_type="network", interface="internal"))


def set_quota(admin: Session, project: str, quota: Mapping[str, int]) -> None:
    """Sets what a project may have: `instances`, `cores`, `ram` in MB."""
    Nova("2.90", session=admin, endpoint_type="internal").quotas.update(project_id(admin, project), **quota)


def _images(glance: Adapter) -> None:
    needs: dict[str, Any] = {"min_ram": 1024, "min_disk": 4, "visibility": "public"}
    kind = {"disk_format": "raw", "container_format": "bare"}
    for name, properties in IMAGES:
        # Which of two is the newer one is known to the second.
        time.sleep(1.1)
        made = glance.post("/v2/images", json={"name": name, **kind, **needs, **properties}).json()
        # Servers boot the appliance whatever is in the image.
        octets = {"Content-Type": "application/octet-stream"}
        glance.put(f"/v2/images/{made['id']}/file", data=b"\0" * 1024, headers=octets)


def _networks(place: Place, neutron: Adapter) -> None:
    for name, (addresses, shared) in NETWORKS.items():
        body: dict[str, Any] = {"name": name, "shared": shared}
        network = neutron.post("/v2.0/networks", json={"network": body}).json()["network"]
        body = {
            "network_id": network["id"],
            "cidr": f"{place.network}{addresses}",
            "gateway_ip": None,
            "enable_dhcp": False,  # of addresses on loopback
            "ip_version": 4,
        }
        neutron.post("/v2.0/subnets", json={"subnet": body})
