"""What the proxy in front of a cloud does to requests, and the orders by which a test says so.

The proxy passes on what no rule catches. The first rule that catches a request, and has not been used up, decides.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

from tests.cloud.openstack.place import CONTROL_PORT, Place

_PATIENCE = 10


@dataclass(frozen=True)
class Rule:
    """Which requests are caught, and what becomes of them, in this order: wait, pass on, wait, answer."""

    service: str = "compute"
    """Type of the service in the catalogue; `*`: any."""
    method: str = "*"
    path: str = ".*"
    """A regular expression for the whole path, such as `.*/servers`."""
    times: int | None = None
    """How many requests are caught; None: all."""
    before: float = 0
    """Seconds to wait before it is passed on."""
    pass_on: bool = True
    after: float = 0
    """Seconds to wait when the service has answered."""
    status: int | None = None
    """Status to answer with, instead of what the service has answered."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    cut: bool = False
    """Close the connection instead of an answer."""
    half: bool = False
    """Close the connection in the middle of the answer's body."""
    omit: str | None = None
    """Leave out of a list the servers whose name matches this regular expression as a whole."""

    def catches(self, service: str, method: str, path: str) -> bool:
        """Whether it is meant for such a request."""
        return self.service in ("*", service) and self.method in ("*", method) and bool(re.fullmatch(self.path, path))


class Which(TypedDict):
    """Which requests."""

    method: str
    path: str


class Said(TypedDict):
    """What is answered."""

    headers: Mapping[str, str]
    body: str


CREATE: Which = {"method": "POST", "path": ".*/servers"}
"""The requests by which servers are made."""

LIST: Which = {"method": "GET", "path": ".*/servers/detail"}
"""The requests by which servers are listed."""

DELETE: Which = {"method": "DELETE", "path": ".*/servers/[^/]+"}
"""The requests by which servers are deleted."""

HTML: Said = {"headers": {"Content-Type": "text/html"}, "body": "<html><body><h1>Welcome</h1></body></html>"}
"""An answer that is none of a cloud's."""

BUSY: Said = {"headers": {"Content-Type": "application/json"}, "body": '{"error": {"message": "busy", "code": 503}}'}
"""The body of a refusal."""


@dataclass(frozen=True)
class Request:
    """A request that came to the proxy."""

    service: str
    method: str
    path: str
    status: int | None
    """What was answered; None: the connection was cut."""
    at: float
    """When it came, in seconds since the epoch."""


@dataclass(frozen=True)
class Orders:
    """Speaks to the proxy of a cloud. What was ordered is in force when a call returns."""

    place: Place

    def rules(self, *rules: Rule) -> None:
        """Sets the rules, instead of those that were; without any, the proxy passes everything on."""
        self._call("PUT", "/rules", [asdict(rule) for rule in rules])

    def used(self) -> Sequence[int]:
        """How often each of the rules has caught a request."""
        found: list[int] = self._call("GET", "/used")
        return found

    def requests(self) -> Sequence[Request]:
        """The requests since `forget` or the proxy's start, the last 10,000 of them."""
        return [Request(**request) for request in self._call("GET", "/requests")]

    def forget(self) -> None:
        """Forgets the requests."""
        self._call("DELETE", "/requests")

    def _call(self, method: str, path: str, document: object = None) -> Any:
        address = f"http://{self.place.public}:{CONTROL_PORT}{path}"
        data = json.dumps(document).encode()
        request = urllib.request.Request(address, data=data, method=method)
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            return json.loads(answer.read())
