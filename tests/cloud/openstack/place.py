"""Where a cloud is: its folder, its addresses, its ports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SERVICES = {"identity": 5000, "compute": 8774, "placement": 8778, "image": 9292, "network": 9696}
"""Type of a service in the catalogue -> the port on which it listens; the usual ones."""

TLS_PORT = 5443
"""Port of the identity service by TLS, on the public address alone."""

CONTROL_PORT = 5999
"""Port of the public address on which the proxy takes orders (see `rules`)."""

_PATHS = {"identity": "/v3", "compute": "/v2.1", "placement": "", "image": "", "network": ""}


@dataclass(frozen=True)
class Place:
    """Folder and number of a cloud. `number` is from 1024 to 65535; no two clouds on a machine share one."""

    folder: Path
    number: int

    @property
    def network(self) -> str:
        """What the addresses of this cloud begin with, with the dot behind it."""
        return f"127.{self.number >> 8}.{self.number & 255}."

    @property
    def public(self) -> str:
        """The address that users see."""
        return f"{self.network}1"

    @property
    def internal(self) -> str:
        """The address on which the services listen, and at which they find each other."""
        return f"{self.network}2"

    def url(self, service: str, *, public: bool = True) -> str:
        """Endpoint of the service of a type, as it stands in the catalogue."""
        return f"http://{self.public if public else self.internal}:{SERVICES[service]}{_PATHS[service]}"

    @property
    def keystone(self) -> str:
        """Where users authenticate."""
        return self.url("identity")

    @property
    def keystone_by_tls(self) -> str:
        """The same by TLS; the catalogue given there has plain addresses."""
        return f"https://{self.public}:{TLS_PORT}/v3"

    @property
    def settings(self) -> Path:
        """The services' configuration files."""
        return self.folder / "etc"

    @property
    def state(self) -> Path:
        """What the services remember: databases, images, keys. A template is a copy of it."""
        return self.folder / "state"

    @property
    def instances(self) -> Path:
        """A folder for each server."""
        return self.folder / "instances"

    @property
    def run(self) -> Path:
        """A file for each process: its id and start time."""
        return self.folder / "run"

    @property
    def log(self) -> Path:
        """Logs of the services and of the proxy."""
        return self.folder / "log"

    @property
    def certificates(self) -> Path:
        """The authority that signed the certificate of the identity service (`ca.pem`), and another (`other-ca.pem`)."""
        return self.folder / "certificates"

    @property
    def identity_provider(self) -> Path:
        """Whom the identity service trusts as provider of identities; not there: nobody (see `federation`)."""
        return self.folder / "identity-provider.json"

    @property
    def faults(self) -> Path:
        """What the hypervisor gets wrong (see `hypervisor`)."""
        return self.folder / "faults.json"

    def make(self) -> None:
        """Creates the folders that are not there."""
        for folder in (self.settings, self.state, self.instances, self.run, self.log, self.certificates):
            folder.mkdir(parents=True, exist_ok=True)
