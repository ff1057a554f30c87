"""A real HTTP server on loopback that answers as a test scripts it, and remembers what it was asked.

Answers are kept by route (`GET /jobs/7`, below /prominence/v1), given in order, the last one again and again.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

API = "/prominence/v1"
LONGEST_STALL = 10.0


@dataclass
class Answer:
    """One answer. `drop` closes the connection without it, `stall` sends nothing before the test has ended."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    stall: bool = False

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Request:
    """What arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class ScriptedServer:
    """See the module."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.dynamic: dict[str, Callable[[Request], Answer]] = {}
        self.over = threading.Event()
        self.asked = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # Head and body leave together: apart, each answer would wait for an acknowledgement.

            def handle_any(self) -> None:
                server.handle(self)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.http.server_port}"
        self.url = self.origin + API

    def on(self, route: str, *answers: Answer) -> None:
        self.answers[route].extend(answers)

    def asked_for(self, route: str) -> list[Request]:
        return [request for request in self.requests if f"{request.method} {request.path}" == route]

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        target = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = target.path[len(API) :] if target.path.startswith(API) else target.path
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        request = Request(handler.command, path, query, dict(handler.headers.items()), body)
        self.requests.append(request)
        self.asked.set()
        answer = self.answer_to(request)
        if answer.stall:
            self.over.wait(LONGEST_STALL)
        if answer.drop or answer.stall:
            handler.close_connection = True
            return
        content = answer.content()
        handler.send_response(answer.status)
        for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def answer_to(self, request: Request) -> Answer:
        route = f"{request.method} {request.path}"
        if route in self.dynamic:
            return self.dynamic[route](request)
        answers = self.answers.get(route)
        if not answers:
            return Answer(418, {"error": f"The test has no answer for {route}"})
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def running() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.http.shutdown()
        thread.join(10)
        server.http.server_close()


class Time:
    """A clock that only sleeping moves."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds


def job(job_id: int = 7, status: str = "running", **fields: Any) -> dict[str, Any]:
    """A job as the service lists it."""
    return {
        "id": job_id,
        "name": "",
        "status": status,
        "tasks": [{"image": "busybox", "cmd": "echo hello"}],
        "events": {"createTime": 1_799_999_000, "startTime": 1_799_999_940},
        **fields,
    }


def ended(job_id: int = 7, status: str = "completed", codes: tuple[int | None, ...] = (0,), **fields: Any) -> Any:
    """A described job that has ended, its tasks with the given exit codes."""
    tasks = [{"image": "busybox", "cmd": f"task {index}"} for index in range(len(codes))]
    execution = {"tasks": [{"exitCode": code} for code in codes]}
    return job(job_id, status, tasks=tasks, execution=execution, **fields)
