"""What a worker is told about itself. Everything is checked here, so that it can stand in HTCondor's configuration as it is."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cloud_provisioner.errors import FactUnusable
from cloud_provisioner.servers.record import Purpose
from pool.submission import escaped

_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")
_UUID = re.compile(r"[0-9a-f]{32}")
_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_FOLDER = re.compile(r"/[A-Za-z0-9/._+-]*")
_MIRROR = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9./_-]*)?)?")
_LONGEST_HOST_NAME = 63


def host_name(site: str, uuid: str) -> str:
    """What a worker is called: its site, and the first 8 digits of its server's uuid."""
    return f"{site[: _LONGEST_HOST_NAME - 9]}-{uuid[:8]}"


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """One worker's facts. FactUnusable where one cannot be used."""

    domain: str
    """The pool's trust domain: identities are NAME@domain."""
    head: str
    """IPv4 address of the pool's head; no name, for workers ask no resolver."""
    port: int
    """TCP port of the pool there."""
    uuid: str
    """The server's, 32 hexadecimal digits."""
    site: str
    token: str = field(repr=False)
    """An IDTOKEN that can advertise this worker and nothing else. The worker ends when its life is over."""
    region: str | None = None
    purpose: Purpose = Purpose.SHARED
    preemptible: bool = False
    cpus: int | None = None
    """Cores to offer; None: what the driver says of the machine, or all that it has."""
    memory: int | None = None
    """MB to offer; None: likewise."""
    image_dirs: tuple[str, ...] = ("/images", "/cvmfs")
    """Folders below which jobs may name images by path."""
    registry_mirror: str = ""
    """Address of a registry that is asked first for Docker Hub names; empty: none."""
    idle: float | None = 3600
    """Seconds without a job after which the worker powers itself off; None: never. It is for workers that nobody gives back:
    longer than the site's keep-alive."""
    silence: float = 1800
    """Seconds after which it powers itself off when the pool has not answered."""
    reachable: bool = False
    """Whether the head can connect to it; else it asks the collector to broker connections."""

    def __post_init__(self) -> None:
        for name, why in self._broken():
            raise FactUnusable(name, why)

    @property
    def name(self) -> str:
        """The worker's host name in the pool, without the domain."""
        return host_name(self.site, self.uuid)

    def told(self) -> dict[str, object]:
        """The facts as the worker reads them (facts.json), without its token."""
        return {
            "domain": self.domain,
            "head": self.head,
            "port": self.port,
            "uuid": self.uuid,
            "name": self.name,
            "site": escaped(self.site),
            "region": escaped(self.region or ""),
            "purpose": self.purpose.value,
            "preemptible": self.preemptible,
            "cpus": self.cpus,
            "memory": self.memory,
            "image_dirs": ":".join(self.image_dirs),
            "registry_mirror": self.registry_mirror,
            "idle": self.idle,
            "silence": self.silence,
            "reachable": self.reachable,
        }

    def _broken(self) -> Iterator[tuple[str, str]]:
        """Names of facts that cannot be used, and what each must be."""
        texts = {
            "domain": (_DOMAIN, "must be a domain of letters, digits, . and - alone"),
            "uuid": (_UUID, "must be 32 hexadecimal digits"),
            "site": (_SITE, "must be a site's name"),
            "token": (_TOKEN, "must be a token as the pool's head makes it"),
            "registry_mirror": (_MIRROR, "must be an address such as http://127.0.0.1:5000"),
        }
        for name, (form, why) in texts.items():
            if not form.fullmatch(getattr(self, name)):
                yield name, why
        if not all(_FOLDER.fullmatch(folder) for folder in self.image_dirs):
            yield "image_dirs", "must be paths from the root on, of letters, digits and /._+- alone"
        try:
            ipaddress.IPv4Address(self.head)
        except ValueError:
            yield "head", "must be an IPv4 address"
        amounts = {
            "port": self.port,
            "cpus": self.cpus,
            "memory": self.memory,
            "idle": self.idle,
            "silence": self.silence,
        }
        for name, amount in amounts.items():
            if amount is not None and not 0 < amount < 2**31:
                yield name, "must be more than 0"
