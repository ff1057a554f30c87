"""Workers in namespaces on this machine, as a cloud that has one flavor.

They share the machine's network; each has a loopback address of its own. As root they are made directly, otherwise in user
namespaces (docs/decisions/0024-local-workers-are-servers.md).
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cloud_provisioner.amounts import Amount
from cloud_provisioner.contextualisation.facts import host_name
from cloud_provisioner.drivers.contract import CloudAmbiguous, CloudRefused, Credential, Offer, Order, Probe
from cloud_provisioner.drivers.local import servers
from cloud_provisioner.drivers.local.schema import LocalSite
from cloud_provisioner.drivers.local.servers import Metadata, Server
from cloud_provisioner.planning.places import Flavor, Limits
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import CloudView, Listed, Status
from cloud_provisioner.sites.base import Site
from deploy.errors import DeployError
from deploy.namespaces import Machine
from deploy.possible import check_namespaces, check_overlay

FLAVOR = "worker"
"""The one flavor."""


def accounts(site: Site) -> Sequence[Sequence[str]]:
    """All VOs share the machine."""
    return (tuple(site.vos),)


def per_user(site: Site) -> bool:  # noqa: ARG001
    """Never: a process of the service's own account makes them."""
    return False


def connect(
    site: Site,
    vo: str,  # noqa: ARG001
    credential: Credential | None,  # noqa: ARG001
    environ: Mapping[str, str],  # noqa: ARG001
    patience: float,
) -> LocalAccount:
    """The machine, as one site uses it. CloudRefused where the site is none of this driver's."""
    if not isinstance(site, LocalSite):
        raise CloudRefused(Failure.BAD_REQUEST, f"The site {site.name} is no `local` one: correct its `driver`.")
    return LocalAccount(site, patience)


class LocalAccount:
    """A local site; see `contract.Account`."""

    def __init__(self, site: LocalSite, patience: float) -> None:
        self._site = site
        self._folder = Path(site.folder)
        self._appliance = Path(site.appliance)
        self._patience = patience

    def offer(self) -> Offer:
        """The one flavor; as many servers as there are addresses."""
        with self._reading():
            self._check()
            there = servers.servers(self._folder)
            free = shutil.disk_usage(self._folder).free >> 20
        size = self._size()
        room = size._replace(disk=min(size.disk, free))
        notes = [f"{self._folder} has {free} MB free, less than `worker.disk_gb`."] if free < size.disk else []
        count = len(there)
        used = Amount(count * size.cpus, count * size.memory, count * size.disk)
        return Offer(
            (Flavor(FLAVOR, size, room),), Limits(servers=len(self._site.seats())), used, count, notes=tuple(notes)
        )

    def probe(self, vo: str) -> Sequence[Probe]:  # noqa: ARG002
        """The appliance, the machine's namespaces, the folder."""
        return (
            Probe("appliance", self._probe_appliance),
            Probe("namespaces", self._probe_namespaces),
            Probe("folder", self._probe_folder),
        )

    def listing(self, begun_at: float) -> CloudView:
        """What the folders tell."""
        with self._reading():
            there = servers.servers(self._folder)
        found = defaultdict[str, list[Listed]](list)
        for server in there:
            found[server.uuid].append(_listed(server, time.time()))
        return CloudView({uuid: tuple(listed) for uuid, listed in found.items()}, begun_at)

    def create(self, order: Order) -> str:
        """Writes the server down and starts it."""
        if order.flavor != FLAVOR:
            raise CloudRefused(Failure.BAD_REQUEST, f"A local site has one flavor, {FLAVOR}.")
        if not servers.UUID.fullmatch(order.uuid):
            raise CloudRefused(Failure.BAD_REQUEST, "The uuid of a server must be 32 hexadecimal digits.")
        with self._reading():
            self._check_appliance()
            with servers.alone(self._folder, self._patience):
                address = self._free_address()
                metadata = Metadata(order.uuid, order.name, order.service, order.flavor, order.vo, address, time.time())
                server = servers.make(self._folder, metadata, order.user_data)
        try:
            server.start(self._machine(server, metadata).command(self._first_process(server, metadata)))
        except OSError as error:
            sentence = f"The machine cannot start another process ({error.strerror})."
            if self.delete(server.cloud_id):
                raise CloudRefused(Failure.CAPACITY, sentence) from error
            raise CloudAmbiguous(sentence) from error
        return server.cloud_id

    def delete(self, cloud_id: str) -> bool:
        """Kills it and deletes its folder."""
        try:
            return servers.remove(self._folder, cloud_id, self._patience)
        except (DeployError, OSError) as error:
            raise CloudAmbiguous(f"What {cloud_id} has written cannot be deleted yet: {error}") from error

    def close(self) -> None:
        """Nothing is kept open."""

    def _size(self) -> Amount:
        worker = self._site.worker
        return Amount(worker.cores, int(worker.memory_gb * 1024), int(worker.disk_gb * 1024))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """What goes wrong before anything was done, as a refusal."""
        try:
            self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
            yield
        except TimeoutError as error:
            raise CloudRefused(Failure.BUSY, f"{error}.") from error
        except DeployError as error:
            raise CloudRefused(Failure.BAD_REQUEST, str(error)) from error
        except OSError as error:
            raise CloudRefused(
                Failure.BUSY,
                f"The `folder` {self._folder} cannot be used ({error.strerror}): make it the provisioner's.",
            ) from error

    def _check(self) -> None:
        self._check_appliance()
        check_namespaces()
        with servers.alone(self._folder, self._patience):
            check_overlay(self._folder / ".overlay")

    def _probe_appliance(self) -> str:
        self._check_appliance()
        return str(self._appliance)

    def _probe_namespaces(self) -> str:
        with self._reading():
            check_namespaces()
        return "this account can make them"

    def _probe_folder(self) -> str:
        with self._reading():
            with servers.alone(self._folder, self._patience):
                check_overlay(self._folder / ".overlay")
            free = shutil.disk_usage(self._folder).free >> 30
        return f"{self._folder}: {free} GB are free, and file systems can be laid over the appliance there"

    def _check_appliance(self) -> None:
        if not (self._appliance / "usr").is_dir():
            raise CloudRefused(
                Failure.BAD_REQUEST,
                f"There is no root file system in the `appliance` {self._appliance}: name its folder.",
            )

    def _free_address(self) -> str:
        taken = {one.metadata.address for one in servers.servers(self._folder) if one.metadata is not None}
        seats = self._site.seats()
        free = next((seat for seat in seats if seat not in taken), None)
        if free is None:
            raise CloudRefused(Failure.QUOTA, f"All {len(seats)} `addresses` are taken.")
        return free

    def _machine(self, server: Server, metadata: Metadata) -> Machine:
        binds = {Path(self._site.images): "/images:ro"} if self._site.images else {}
        name = host_name(self._site.name, metadata.uuid)
        return Machine(name, self._appliance, server.folder / "pool", server.folder / "disk", binds=binds)

    def _first_process(self, server: Server, metadata: Metadata) -> list[str]:
        size = self._size()
        return [
            "env",
            f"PROMINENCE_ADDRESS={metadata.address}",
            f"PROMINENCE_CLOUD_ID={server.cloud_id}",
            f"PROMINENCE_CPUS={size.cpus}",
            f"PROMINENCE_MEMORY={size.memory}",
            "sh",
            "/pool/user-data",
        ]


def _listed(server: Server, now: float) -> Listed:
    status, known = server.status(now), server.metadata
    failure = Failure.BUSY if status is Status.ERROR else None
    service, flavor = (known.service, known.flavor) if known else ("", "")
    return Listed(server.cloud_id, server.uuid, service, status, flavor, failure)
