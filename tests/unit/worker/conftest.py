"""A loopback web server whose answers a test scripts, and the values an image is obtained with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from worker.images import Kept, Source
from worker.processes import Eviction
from worker.scratch import Scratch

Answer = Callable[[BaseHTTPRequestHandler], None]


class WebServer:
    """Answers each request by ``answer``; remembers (method, path, Authorization) of all."""

    def __init__(self) -> None:
        self.answer: Answer = lambda request: request.send_error(404)
        self.seen: list[tuple[str, str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append((self.command, self.path, self.headers.get("Authorization")))
                outer.answer(self)

            def do_HEAD(self) -> None:
                self.do_GET()

            def do_PROPFIND(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    made = Scratch(tmp_path / "scratch")
    made.root.mkdir()
    made.create()
    return made


@pytest.fixture
def source(scratch: Scratch) -> Source:
    return Source(scratch, (), "", scratch.images, Eviction(), lambda _text: None, Kept(), lambda _done, _total: None)
