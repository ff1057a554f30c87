"""A small HTTP server that answers as Keystone, Nova, Glance and Neutron do, and otherwise where a test has said so.

It is no cloud: tests/cloud has real ones. It is for answers that no real cloud can be brought to give at will.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cloud_provisioner.drivers.contract import CloudAmbiguous, CloudRefused, Order
from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.servers.failures import Failure

PASSWORD = "correct-horse-battery-staple"
ENVIRON: Mapping[str, str] = {"SECRET": PASSWORD}
PROJECT = "0a9d5dd734854a15a4b5d1c8a21772bc"
IMAGE, NETWORK = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
UUID = "0123456789abcdef0123456789abcdef"
JOIN_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ3b3JrZXItMDAwQHByb21pbmVuY2UifQ.s3cr3t-of-the-worker"
ORDER = Order(UUID, f"prominence-a-{UUID}", "prominence", "m1.large", "bio", f"#!/bin/sh\necho {JOIN_TOKEN}\n")
JSON: Mapping[str, str] = {"Content-Type": "application/json"}
HTML: Mapping[str, str] = {"Content-Type": "text/html"}
MAKE = ("POST", r"/compute/v2\.1/servers")
LIST = ("GET", r"/compute/v2\.1/servers/detail")
DELETE = ("DELETE", r"/compute/v2\.1/servers/.*")
TOKEN = ("POST", r"/v3/auth/tokens")


@dataclass(frozen=True)
class Answer:
    """What is answered; `cut`: the connection is closed instead, `half` in the middle, `silent`: nothing until `freed`."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    cut: bool = False
    half: bool = False
    silent: bool = False
    drips: bool = False
    """A byte now and then, without end."""

    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    token: str
    body: Any
    connection: int


def refusal(status: int, message: str, **headers: str) -> Answer:
    """An error as Nova says it."""
    return Answer(status, {"refused": {"code": status, "message": message}}, {**JSON, **headers})


class ScriptedCloud:
    """The server; `script` sets the answers to the next requests of a kind, after which it answers as usual."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.freed = threading.Event()
        self.ended: set[str] = set()
        """Tokens that services refuse."""
        self.microversions = ("2.1", "2.90")
        self.regions = ["RegionOne"]
        self.flavors = [flavor("m1.tiny", 1, 1024, 1), flavor("m1.small", 1, 2048, 20), flavor("m1.large", 4, 8192, 80)]
        self.specs: dict[str, dict[str, str]] = {}
        """Id of a flavor -> its extra specs."""
        self.images = [image(IMAGE)]
        self.networks: list[dict[str, Any]] = [{"id": NETWORK, "name": "private"}]
        self.zones = {"north": True, "south": True, "west": False}
        """Name of a zone -> whether a host works there."""
        self.servers: list[dict[str, Any]] = []
        self.limits: dict[str, Any] = {
            "maxTotalInstances": 10,
            "maxTotalCores": 20,
            "maxTotalRAMSize": -1,
            "totalCoresUsed": 4,
        }
        self._scripts: list[tuple[str, str, list[Answer]]] = []
        self._tokens = 0
        self._lock = threading.Lock()

    def script(self, request: tuple[str, str], *answers: Answer) -> None:
        """The answers to the next requests of a method to a path (a regular expression)."""
        self._scripts.insert(0, (*request, list(answers)))

    def count(self, request: tuple[str, str]) -> int:
        """How many requests of a method to a path have come."""
        return len([one for one in self.asked if one.method == request[0] and re.fullmatch(request[1], one.path)])

    def answer(self, asked: Asked, address: str) -> Answer:
        path = asked.path.partition("?")[0]
        with self._lock:
            self.asked.append(Asked(asked.method, path, asked.token, asked.body, asked.connection))
            for method, pattern, answers in self._scripts:
                if answers and method == asked.method and re.fullmatch(pattern, path):
                    return answers.pop(0)
        if asked.token in self.ended:
            return refusal(401, "The request you have made requires authentication.")
        return self._usual(asked, path, address)

    def _usual(self, asked: Asked, path: str, address: str) -> Answer:
        match asked.method, path:
            case "POST", "/v3/auth/tokens" | "/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/openid/auth":
                return self.token(address)
            case "GET", "/compute/v2.1/":
                least, most = self.microversions
                return Answer(200, {"version": {"id": "v2.1", "min_version": least, "version": most}})
            case "GET", "/compute/v2.1/flavors/detail":
                return Answer(200, {"flavors": self._shown_flavors()})
            case "GET", "/compute/v2.1/limits":
                return Answer(200, {"limits": {"rate": [], "absolute": self.limits}})
            case "GET", "/compute/v2.1/servers/detail":
                return Answer(200, {"servers": self.servers})
            case "GET", "/compute/v2.1/os-availability-zone":
                shown = [{"zoneName": name, "zoneState": {"available": up}} for name, up in self.zones.items()]
                return Answer(200, {"availabilityZoneInfo": shown})
            case "GET", "/image/v2/images":
                return Answer(200, {"images": self.images})
            case "GET", "/network/v2.0/networks":
                return Answer(200, {"networks": self.networks})
            case "POST", "/compute/v2.1/servers":
                return Answer(202, {"server": {"id": f"made-{self.count(MAKE)}"}})
            case "DELETE", _:
                return Answer(204, "")
        if found := re.fullmatch(r"/compute/v2\.1/flavors/([^/]+)/os-extra_specs", path):
            return Answer(200, {"extra_specs": self.specs.get(found[1], {})})
        return refusal(404, "not found")

    def _shown_flavors(self) -> object:
        """As this version shows them: an old one without extra specs."""
        if not isinstance(self.flavors, list) or float(self.microversions[1][1:] or 0) < 0.61:
            return self.flavors
        return [one | {"extra_specs": self.specs.get(one["id"], {})} for one in self.flavors]

    def token(self, address: str, ends: str = "2099-01-01T00:00:00Z") -> Answer:
        """Keystone's answer to a sign-in."""
        self._tokens += 1
        services = {"compute": "/compute/v2.1", "image": "/image", "network": "/network/"}
        catalog = [
            {
                "type": kind,
                "name": kind,
                "id": kind,
                "endpoints": [self._entry(region, f"{address}{path}") for region in self.regions],
            }
            for kind, path in services.items()
        ]
        project = {"id": PROJECT, "name": "bio", "domain": {"id": "default", "name": "Default"}}
        token = {"expires_at": ends, "issued_at": "2026-01-01T00:00:00Z", "methods": ["password"]}
        body = {"token": {**token, "catalog": catalog, "project": project, "user": {"id": "u", "name": "u"}}}
        return Answer(201, body, {**JSON, "X-Subject-Token": f"token-{self._tokens}"})

    @staticmethod
    def _entry(region: str, url: str) -> dict[str, str]:
        return {"id": region, "interface": "public", "region": region, "region_id": region, "url": url}


def flavor(name: str, cores: int, memory: int, disk: int, **more: object) -> dict[str, Any]:
    """A flavor as Nova shows it."""
    return {"id": f"id-{name}", "name": name, "vcpus": cores, "ram": memory, "disk": disk, **more}


def image(number: str, **more: object) -> dict[str, Any]:
    """An image as Glance shows it: 2 GB, 1024 MB of memory."""
    return {
        "id": number,
        "name": "worker",
        "status": "active",
        "created_at": "2026-01-01",
        "min_ram": 1024,
        "min_disk": 2,
        **more,
    }


@contextmanager
def served(cloud: ScriptedCloud) -> Iterator[str]:
    """Serves on loopback; the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            document = json.loads(body) if body else None
            token = self.headers.get("X-Auth-Token", self.headers.get("Authorization", ""))
            asked = Asked(self.command, self.path, token, document, self.client_address[1])
            self.give(cloud.answer(asked, f"http://127.0.0.1:{server.server_port}"))

        do_POST = do_DELETE = do_GET  # noqa: N815  the names are the base class's

        def give(self, answer: Answer) -> None:
            if answer.silent:
                cloud.freed.wait(30)
            if answer.cut or answer.silent:
                self.close_connection = True
                return
            content = b"" if answer.status == 204 else answer.content()
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(content) + (1000 if answer.drips else 0)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if answer.half else content)
            self.close_connection |= answer.half or answer.drips
            while answer.drips and not cloud.freed.wait(0.05):
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is no error."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            cloud.freed.set()
            server.shutdown()
            thread.join(10)


def closed_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def site(address: str, **more: object) -> OpenStackSite:
    """The description of a site at an address; the password is in the variable SECRET."""
    described: dict[str, object] = {
        "name": "A",
        "driver": "openstack",
        "endpoint": f"{address}/v3",
        "credentials": {"type": "password", "username": "prominence", "password": {"env": "SECRET"}},
        "vos": {"bio": {"project_id": PROJECT}},
        "image": {"name": "worker"},
        "price": 0.5,
    }
    return OpenStackSite.model_validate(described | more)


def failure(call: Callable[[], object]) -> Failure | None:
    """The class with which a call is refused; None where it is in doubt. Says nothing secret in either case."""
    with pytest.raises((CloudRefused, CloudAmbiguous)) as caught:
        call()
    for secret in (PASSWORD, JOIN_TOKEN, "token-1"):
        assert secret not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return caught.value.failure if isinstance(caught.value, CloudRefused) else None
