"""Workers that the local driver makes for the pool of an instance, beside those of its provisioner: orders with real facts
and tokens, for tests that want a worker of their own kind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from cloud_provisioner.contextualisation import WorkerFacts, render
from cloud_provisioner.drivers.contract import Order
from cloud_provisioner.drivers.local import calls
from cloud_provisioner.drivers.local.calls import LocalAccount
from cloud_provisioner.drivers.local.schema import LocalSite
from cloud_provisioner.servers.views import Status
from deploy import nodes
from deploy.home import POOL_PORT
from deploy.instance import Instance
from pool.attributes import Machine
from tests.pool.seeing import descendants, head_of, until

SITE, REGION = "here", 'a "region" of $(HOME)'
Mint = Callable[[str], str]
"""Makes the token of a worker from its uuid."""


@dataclass
class LocalWorkers:
    """A local site of an instance."""

    instance: Instance
    cores: int = 1
    site: str = SITE
    account: LocalAccount = field(init=False)

    def __post_init__(self) -> None:
        settings = self.instance.settings
        self.head = head_of(self.instance)
        self.folder = self.instance.home.path / "run" / f"workers-{uuid4().hex[:8]}"
        description: dict[str, Any] = {
            "name": self.site,
            "driver": "local",
            "appliance": str(self.head.machine.lower),
            "folder": str(self.folder),
            "addresses": f"{settings.address(20)}-{settings.address(60)}",
            "images": str(self.instance.home.images),
            "worker": {"cores": str(self.cores), "memory_gb": "0.5"},
        }
        self.account = calls.connect(LocalSite.model_validate(description), "*", None, {}, 20)

    def order(self, lifetime: int = 3600, mint: Mint | None = None, uuid: str | None = None, **facts: Any) -> Order:
        """An order of a worker, everybody's unless `mint` makes it another token; `lifetime` of its own in seconds."""
        uuid = uuid or uuid4().hex
        token = mint(uuid) if mint is not None else self._everybodys(uuid, lifetime)
        head = self.instance.settings.address(1)
        told = WorkerFacts(nodes.DOMAIN, head, POOL_PORT, uuid, self.site, token, region=REGION, **facts)
        return Order(uuid, f"prominence-{uuid}", "tests", calls.FLAVOR, "*", render(told))

    def _everybodys(self, uuid: str, lifetime: int) -> str:
        return nodes.mint_token(self.head, f"worker-{uuid}", ["ADVERTISE_STARTD", "ADVERTISE_MASTER"], lifetime)

    def create(
        self, lifetime: int = 3600, mint: Mint | None = None, uuid: str | None = None, **facts: Any
    ) -> tuple[str, str]:
        """A worker that has joined: uuid and cloud id."""
        order = self.order(lifetime, mint, uuid, **facts)
        cloud_id = self.account.create(order)
        until(lambda: self.joined(order.uuid), 30)
        return order.uuid, cloud_id

    def joined(self, uuid: str) -> bool:
        """Whether a worker is in the pool."""
        return uuid in nodes.run_on_head(self.head, ["condor_status", "-af", Machine.SERVER])

    def status(self, uuid: str) -> Status:
        """What the site says of a worker."""
        (listed,) = self.account.listing(time.time()).servers[uuid]
        return listed.status

    def processes(self, cloud_id: str, name: str) -> list[int]:
        """Process ids, as seen from outside, of what runs under a name on a worker."""
        first = int((self.folder / cloud_id / "pid").read_text().split()[0])
        found = []
        for pid in descendants(first):
            try:
                if Path(f"/proc/{pid}/comm").read_text().strip() == name[:15]:
                    found.append(pid)
            except OSError:
                continue
        return found

    def console(self, cloud_id: str) -> str:
        """What a worker has printed."""
        return (self.folder / cloud_id / "console.log").read_text()

    def close(self) -> None:
        """Ends all workers, gently where they can be asked, so that the collector forgets them, and deletes them."""
        there = [one for servers in self.account.listing(0.0).servers.values() for one in servers]
        for server in there:
            for first in self.processes(server.cloud_id, "python3")[:1]:
                os.kill(first, signal.SIGTERM)
        until(lambda: all(self.status(server.uuid) is not Status.ACTIVE for server in there), 30)
        for server in there:
            assert self.account.delete(server.cloud_id)


@contextmanager
def local_workers(instance: Instance, cores: int = 1, site: str = SITE) -> Iterator[LocalWorkers]:
    """A site of an instance, whose workers end with the block; prints what they said."""
    made = LocalWorkers(instance, cores, site)
    try:
        yield made
    finally:
        for log in sorted(made.folder.glob("*/console.log")):
            print(log, log.read_text(), sep="\n")
        made.close()
