"""What the tests of staging share: a web server that serves ranges and breaks, stalls and lies as it is told."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from worker.staging.terms import Pace, Terms

Answer = Callable[["Handler"], object]

QUICK = Pace(connect=2, silence=2, window=0.3, least=1000)
"""For servers that stall: tests should not wait for long."""


class Site:
    """Answers each request by the next of ``answers``, and by ``answer`` when they are used up.

    ``seen`` has (method, path, headers) of all requests, ``stored`` the bodies that came whole, by path.
    """

    def __init__(self) -> None:
        self.answer: Answer = lambda request: request.refuse(404)
        self.answers: list[Answer] = []
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.stored: dict[str, bytes] = {}
        self.closing = threading.Event()
        site = self

        class Bound(Handler):
            pass

        Bound.site = site
        self.server = _Server(("127.0.0.1", 0), Bound)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def asked(self, name: str) -> list[str | None]:
        """One header of all requests, in their order."""
        return [headers.get(name) for _, _, headers in self.seen]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up on purpose."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    site: Site

    def handle_any(self) -> None:
        self.site.seen.append((self.command, self.path, dict(self.headers.items())))
        answers = self.site.answers
        (answers.pop(0) if answers else self.site.answer)(self)

    do_GET = do_PUT = do_POST = handle_any  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""

    def refuse(self, status: int, body: bytes = b"", **headers: str) -> Handler:
        """An answer without more."""
        with suppress(OSError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        return self

    def begin(self, status: int, **headers: object) -> Handler:
        """Status and headers; underscores stand for hyphens."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        return self

    def body(self) -> bytes:
        """What was sent."""
        return self.rfile.read(int(self.headers["Content-Length"]))


def whole(body: bytes, **headers: object) -> Answer:
    """All of a file, ranges ignored."""
    return lambda request: (request.begin(200, Content_Length=len(body), **headers), request.wfile.write(body), None)[
        -1
    ]


def ranges(body: bytes, etag: str = '"1"', upto: int | None = None) -> Answer:
    """A file of which parts can be asked for; the connection ends after ``upto`` bytes of an answer."""

    def answer(request: Handler) -> None:
        match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        start = int(match[1]) if match and request.headers.get("If-Range") == etag else 0
        length = len(body) - start
        if start:
            place = f"bytes {start}-{len(body) - 1}/{len(body)}"
            request.begin(206, Content_Length=length, Content_Range=place, ETag=etag)
        else:
            request.begin(200, Content_Length=length, ETag=etag)
        request.wfile.write(body[start:][:upto])

    return answer


def stalling(body: bytes, promised: int) -> Answer:
    """The beginning of a file, and nothing more until the client goes away."""

    def answer(request: Handler) -> None:
        request.begin(200, Content_Length=promised)
        request.wfile.write(body)
        request.site.closing.wait(20)

    return answer


def dripping(piece: bytes) -> Answer:
    """A byte now and then, for ever; ``piece`` may be part of the headers."""

    def answer(request: Handler) -> None:
        with suppress(OSError):
            request.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not request.site.closing.wait(0.05):
                request.wfile.write(piece)

    return answer


def linking(site: Site, **headers: str) -> Answer:
    """The service and its store in one: links on the same host, and what is put to them kept."""

    def answer(request: Handler) -> None:
        if request.command == "POST":
            name = json.loads(request.body())["name"]
            made: dict[str, Any] = {"url": f"{site.url}/store/{name}"}
            request.refuse(201, json.dumps({**made, **({"headers": headers} if headers else {})}).encode())
        else:
            site.stored[request.path.removeprefix("/store/")] = request.body()
            request.refuse(200)

    return answer


@contextmanager
def site() -> Iterator[Site]:
    """A server."""
    made = Site()
    try:
        yield made
    finally:
        made.closing.set()
        made.server.shutdown()
        made.server.server_close()


def terms(pauses: list[float] | None = None, **more: Any) -> Terms:
    """Terms without pauses, which are noted instead."""
    noted = [] if pauses is None else pauses
    base = Terms(check=lambda: None, log=lambda _text: None, sleep=noted.append, chance=lambda: 0.5)
    return base._replace(**more)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tree(root: Path) -> dict[str, str]:
    """Everything below a directory: files by their text, links by their target, directories by nothing."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text(errors="replace")
        else:
            found[name] = ""
    return found
