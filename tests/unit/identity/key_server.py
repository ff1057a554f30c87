"""A token issuer's web server on loopback that counts, rotates, dies, stalls and answers nonsense."""

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

METADATA = "/.well-known/openid-configuration"
KEYS = "/keys"


@dataclass
class Answer:
    """What a path answers; `declared` is the Content-Length that is claimed, where it differs from the truth."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    declared: int | None = None
    drip: bool = False


class KeyServer:
    """Serves what stands in `answers`. A path is counted in `fetches` when its request arrives.

    `gate`, while clear, holds every answer back: a server that stalls. Closing lets everything go.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.fetches: Counter[str] = Counter()
        self.arrived = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def publish(self, document: Any, path: str = KEYS) -> None:
        self.answers[path] = Answer(json.dumps(document).encode())

    def publish_metadata(self, **changes: Any) -> None:
        self.publish({"issuer": self.url, "jwks_uri": self.url + KEYS, **changes}, METADATA)

    def answer(self, handler: "_Handler") -> None:
        self.fetches[handler.path] += 1
        self.arrived.release()
        self.gate.wait(timeout=30)
        found = self.answers.get(handler.path, Answer(b"not found", 404))
        handler.send_response(found.status)
        for name, value in found.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(found.declared or len(found.body)))
        handler.end_headers()
        if not found.drip:
            handler.wfile.write(found.body)
            return
        for byte in found.body:
            handler.wfile.write(bytes([byte]))
            if self._closing.wait(0.05):
                return

    def close(self) -> None:
        self._closing.set()
        self.gate.set()
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], owner: KeyServer) -> None:
        super().__init__(address, _Handler)
        self.owner = owner

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is part of these tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.owner.answer(self)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
