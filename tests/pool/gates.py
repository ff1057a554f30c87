"""An HTTP server for jobs of tests: whoever asks for a path waits until the test opens it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PATIENCE = 120


class Gates:
    """Counts who `waits` at each path, and answers them with a line of text once it is open."""

    def __init__(self) -> None:
        self.waits: dict[str, int] = defaultdict(int)
        self._open: dict[str, threading.Event] = defaultdict(threading.Event)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.waits[self.path] += 1
                outer._open[self.path].wait(_PATIENCE)
                self.send_response(200)
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"open\n")

            def log_message(self, format: str, *args: object) -> None:
                """Keep the test's output clean."""

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:
                    return  # who waited was killed

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def open(self, *paths: str) -> None:
        """Let pass who waits at these paths, and who comes later."""
        for path in paths:
            self._open[path].set()

    def task(self, path: str) -> str:
        """A command that ends when the path is open."""
        return f"wget -q -O - {self.url}{path}"


@contextmanager
def gates() -> Iterator[Gates]:
    """A server, for as long as the block lasts."""
    made = Gates()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
