"""`/jobs/<id>/stdout` and `/stderr`: what a job has written, and what it goes on writing."""

from __future__ import annotations

import re
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from api.errors import InvalidParameter, NoSuchStream
from api.jobs import folder, sending
from api.jobs.commands import JobsOf
from api.jobs.errors import ServiceBusy
from api.jobs.follow import Following, Restart, Stream, Text
from api.jobs.sandbox import Sandbox
from identity.caller import Caller
from pool.state import state

_EVENT_STREAM = "text/event-stream"
_ENDED = (3, 4)
_PATIENCE = 60.0
"""Seconds that a reader may leave what was sent to it unread."""
_RUN = "Prominence-Run"


@dataclass(frozen=True)
class Output:
    """Answers requests for what the jobs that `jobs` finds have written."""

    jobs: JobsOf
    following: Following

    def answer(self, number: int, stream: str, user: Caller) -> Response:
        """What a job wrote so far; with `follow=true` in the request also what it goes on writing, until it has ended.

        The header Prominence-Run names the run of the job that wrote it. With `run` and `offset` of an earlier answer the
        text goes on from there, and begins anew where the job has started again meanwhile.
        """
        node, offset = _number("node"), _number("offset")
        ad, sandbox = self.jobs.found(number, user)
        if request.args.get("follow", "false").lower() in ("", "true", "1") and node == 0:
            active = ad["JobStatus"] not in _ENDED
            return _followed(self.jobs, self.following, number, user, sandbox, stream, offset, active)
        if node != 0 or folder.signature(sandbox.path / stream) is None:
            raise NoSuchStream(f"Job {number} has no {stream} of node {node}, or none yet: it may not have started.")
        return _so_far(Stream(sandbox.path, stream, offset, _run()))


def blueprint(output: Output, caller: Callable[[], Caller]) -> Blueprint:
    """The routes; `caller()` gives the authenticated user of the request or raises."""
    routes = Blueprint("output", __name__, url_prefix="/jobs")

    @routes.get("/<int:number>/<any(stdout, stderr):stream>")
    def written(number: int, stream: str) -> Response:
        """What a job wrote so far, and with `follow` what it goes on writing."""
        user = caller()
        return output.answer(number, stream, user)

    return routes


def _so_far(stream: Stream) -> Response:
    pieces = _pieces(stream)
    first = next(pieces, b"")  # whether the stream begins anew is known by now
    response = Response(_chained(first, pieces), mimetype="text/plain")
    response.headers[_RUN] = stream.run
    return response


def _pieces(stream: Stream) -> Iterator[bytes]:
    """What is there now: of what is added meanwhile, or by another run, nothing."""
    found = stream.next()
    if isinstance(found, Restart):
        found = stream.next()
    end = stream.size()
    while isinstance(found, Text):
        yield found.data
        found = stream.next() if stream.offset < end else None


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _followed(
    jobs: JobsOf,
    following: Following,
    number: int,
    user: Caller,
    sandbox: Sandbox,
    name: str,
    offset: int,
    active: bool,
) -> Response:
    wants_events = request.accept_mimetypes.best_match(("text/plain", _EVENT_STREAM), "text/plain") == _EVENT_STREAM
    position = sending.position(request.headers.get("Last-Event-ID", "")) if wants_events else None
    stream = Stream(sandbox.path, name, *(position or (offset, _run())))
    if not following.places.acquire(blocking=False):
        raise ServiceBusy(following.limits.at_once)
    following.watch.add(number)

    def over() -> None:
        following.watch.remove(number)
        following.places.release()

    def status() -> str:
        ad, _ = jobs.found(number, user)
        return str(state(ad, sandbox.report()).status)

    events = following.events(number, stream, active, _reader_gone(request.environ))
    if wants_events:
        response = Response(sending.server_sent(events, stream, status, time.monotonic), mimetype=_EVENT_STREAM)
    else:
        response = Response(sending.plain(events), mimetype="text/plain")
    response.call_on_close(over)
    response.headers[_RUN] = stream.run
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # a proxy in between passes on what comes when it comes
    return response


def _reader_gone(environ: dict[str, Any]) -> Callable[[], bool]:
    """Whether the client closed the connection: a stream in which nothing happens would not notice otherwise."""
    connection = environ.get("gunicorn.socket")
    if connection is None:
        return lambda: False
    connection.settimeout(_PATIENCE)
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return lambda: bool(poll.poll(0))


def _run() -> str | None:
    text = request.args.get("run")
    if text is not None and not re.fullmatch(r"[0-9a-f]{0,64}", text):
        raise InvalidParameter("run: give what the header Prominence-Run of an earlier answer said.", "run")
    return text or None


def _number(name: str) -> int:
    text = request.args.get(name, "0")
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        raise InvalidParameter(f"{name}: give a whole number from 0 on.", name)
    return int(text)
