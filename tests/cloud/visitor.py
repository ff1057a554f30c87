"""Somebody who uses a cloud by its plain clients, as a test would by hand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from keystoneauth1.session import Session
from novaclient import exceptions
from novaclient.client import Client

from tests.cloud.openstack.place import Place

SLEEPS = "#!/bin/sh\nexec sleep 600\n"
"""User data of a server that stays."""

_PATIENCE = 120.0


class Visitor:
    """A user in a project of a cloud. Servers are novaclient's, with all that it shows."""

    def __init__(self, place: Place, session: Session) -> None:
        self.place = place
        self.session = session
        self.nova = Client("2.90", session=session)

    def found(self, service: str, path: str, name: str) -> str:
        """Id of the newest thing of a name in the list at `path`, such as `/v2/images`."""
        things = self.session.get(path, endpoint_filter={"service_type": service}).json()[path.rsplit("/")[-1]]
        matching = [thing for thing in things if thing["name"] == name]
        return str(max(matching, key=lambda thing: thing.get("created_at", ""))["id"])

    def boot(
        self,
        name: str,
        user_data: str = SLEEPS,
        flavor: str = "small",
        image: str = "prominence-worker",
        network: str = "private",
        **more: Any,
    ) -> Any:
        """Asks for a server; flavor, image and network by name."""
        return self.nova.servers.create(
            name,
            image=self.found("image", "/v2/images", image),
            flavor=self.nova.flavors.find(name=flavor),
            nics=[{"net-id": self.found("network", "/v2.0/networks", network)}],
            userdata=user_data,
            **more,
        )

    def names(self) -> list[str]:
        """Names of the project's servers, sorted."""
        return sorted(server.name for server in self.nova.servers.list())

    def until(self, server: Any, *statuses: str, seconds: float = _PATIENCE) -> Any:
        """The server, once it has one of the statuses and nothing is under way with it."""
        deadline = time.monotonic() + seconds
        while True:
            shown = self.nova.servers.get(server.id)
            if shown.status in statuses and getattr(shown, "OS-EXT-STS:task_state") is None:
                return shown
            assert time.monotonic() < deadline, f"{shown.name} is still {shown.status}"
            time.sleep(0.1)

    def until_it_says(self, server: Any, text: str, seconds: float = _PATIENCE) -> str:
        """What the server has said, once `text` is in it."""
        deadline = time.monotonic() + seconds
        while True:
            said = str(self.nova.servers.get_console_output(server))
            if text in said:
                return said
            assert time.monotonic() < deadline, f"{server.name} has only said {said!r}"
            time.sleep(0.1)

    def until_gone(self, *servers: Any, seconds: float = _PATIENCE) -> None:
        """Waits until the cloud does not know these servers any more."""
        deadline = time.monotonic() + seconds
        for server in servers:
            while self.knows(server):
                assert time.monotonic() < deadline, f"{server.name} is still there"
                time.sleep(0.1)

    def knows(self, server: Any) -> bool:
        """Whether the cloud knows a server."""
        try:
            self.nova.servers.get(server.id)
        except exceptions.NotFound:
            return False
        return True

    def delete_all(self) -> None:
        """Deletes all servers of all projects; only an admin may."""
        servers: Sequence[Any] = self.nova.servers.list(search_opts={"all_tenants": 1})
        for server in servers:
            # Some are on their way out already.
            with suppress(exceptions.NotFound):
                self.nova.servers.delete(server.id)
        self.until_gone(*servers)
