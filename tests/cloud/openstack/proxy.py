"""The proxy in front of a cloud, a process of its own: `python -m tests.cloud.openstack.proxy FOLDER NUMBER NOTE`.

It listens at the addresses that users see, and passes requests on to the services, unless a rule says otherwise.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import sys
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer
from typing import Any

from tests.cloud.openstack.place import CONTROL_PORT, SERVICES, TLS_PORT, Place
from tests.cloud.openstack.rules import Request, Rule

_PATIENCE = 300
_REMEMBERED = 10_000
_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass
class Memory:
    """The rules in force, and what has come."""

    rules: list[Rule] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    requests: deque[Request] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rule(self, service: str, method: str, path: str) -> Rule:
        """The rule for a request, which is used by it; where there is none, one that changes nothing."""
        with self.lock:
            for number, rule in enumerate(self.rules):
                left = rule.times is None or self.used[number] < rule.times
                if left and rule.catches(service, method, path):
                    self.used[number] += 1
                    return rule
        return Rule()

    def order(self, method: str, path: str, document: Any) -> Any:
        """Carries out an order, and gives the answer; see `rules.Orders`."""
        with self.lock:
            if (method, path) == ("PUT", "/rules"):
                self.rules = [Rule(**rule) for rule in document]
                self.used = [0] * len(self.rules)
            elif (method, path) == ("DELETE", "/requests"):
                self.requests.clear()
            elif path == "/used":
                return self.used
            elif path == "/requests":
                return [asdict(request) for request in self.requests]
        return None


@dataclass(frozen=True)
class Answer:
    """What goes back to the user."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body go in two writes
    timeout = _PATIENCE

    def __init__(self, memory: Memory, *of_server: Any) -> None:
        self.memory = memory
        super().__init__(*of_server)

    def do_GET(self) -> None:
        """Any request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer(body)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def answer(self, body: bytes) -> None:
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the requests are remembered."""

    def send(self, answer: Answer, length: int | None = None) -> None:
        """Sends an answer; `length` is how much of its body, None all."""
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[:length])


class Control(_Handler):
    """Takes orders."""

    def answer(self, body: bytes) -> None:
        """Carries out an order."""
        result = self.memory.order(self.command, self.path, json.loads(body or b"null"))
        self.send(Answer(200, [("Content-Type", "application/json")], json.dumps(result).encode()))


class Gate(_Handler):
    """Passes requests for one service on."""

    def __init__(self, memory: Memory, place: Place, service: str, scheme: str, *of_server: Any) -> None:
        self.place = place
        self.service = service
        self.scheme = scheme
        super().__init__(memory, *of_server)

    def answer(self, body: bytes) -> None:
        """Does with a request what its rule says."""
        came, path = time.time(), self.path.partition("?")[0]
        rule = self.memory.rule(self.service, self.command, path)
        time.sleep(rule.before)
        answer = self._pass_on(body) if rule.pass_on else Answer(502, [], b"")
        time.sleep(rule.after)
        if rule.status is not None:
            answer = Answer(rule.status, list(rule.headers.items()), rule.body.encode())
        if rule.omit is not None:
            answer = _without_servers(answer, rule.omit)
        status = None if rule.cut else answer.status
        self.memory.requests.append(Request(self.service, self.command, path, status, came))
        if rule.cut or rule.half:
            self.close_connection = True
        if not rule.cut:
            self.send(answer, len(answer.body) // 2 if rule.half else None)

    def _pass_on(self, body: bytes) -> Answer:
        """The service's answer; 502 where there is none."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_HOP}
        headers |= {"X-Forwarded-Proto": self.scheme, "Content-Length": str(len(body)), "Connection": "close"}
        upstream = http.client.HTTPConnection(self.place.internal, SERVICES[self.service], timeout=_PATIENCE)
        try:
            upstream.request(self.command, self.path, body, headers)
            got = upstream.getresponse()
            kept = [(name, value) for name, value in got.getheaders() if name.lower() not in _OF_ONE_HOP]
            return Answer(got.status, kept, got.read())
        except (OSError, http.client.HTTPException) as error:
            print(f"no answer from the {self.service} service: {error!r}", file=sys.stderr, flush=True)
            return Answer(502, [("Content-Type", "text/html")], b"<html><body>Bad Gateway</body></html>")
        finally:
            upstream.close()


def _without_servers(answer: Answer, names: str) -> Answer:
    document = json.loads(answer.body)
    document["servers"] = [one for one in document["servers"] if not re.fullmatch(names, one["name"])]
    return Answer(answer.status, answer.headers, json.dumps(document).encode())


def serve(place: Place) -> list[BaseServer]:
    """Opens all ports of a cloud's public address, and serves them until the process ends."""
    memory = Memory()
    servers: list[BaseServer] = []
    for service, port in SERVICES.items():
        servers.append(_Server((place.public, port), partial(Gate, memory, place, service, "http")))
    by_tls = _Server((place.public, TLS_PORT), partial(Gate, memory, place, "identity", "https"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(place.certificates / "server.pem")
    # The handshake is the handler's: a client that never speaks keeps nobody waiting.
    by_tls.socket = context.wrap_socket(by_tls.socket, server_side=True, do_handshake_on_connect=False)
    servers += [by_tls, _Server((place.public, CONTROL_PORT), partial(Control, memory))]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return servers


if __name__ == "__main__":
    serve(Place(Path(sys.argv[1]), int(sys.argv[2])))
    threading.Event().wait()
