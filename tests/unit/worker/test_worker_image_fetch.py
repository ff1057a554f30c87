"""Files of images from a real server on the loopback interface that breaks, stalls, lies and limits."""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from worker.images import Source
from worker.images.errors import (
    ImageCredentialsError,
    ImageDiskFullError,
    ImageError,
    ImageNetworkError,
    ImageNotFoundError,
    ImageRateLimitError,
)
from worker.images.fetch import Wanted, fetch
from worker.staging import wire
from worker.staging.terms import Pace, Terms

from .conftest import WebServer

BODY = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()
HALF = len(BODY) // 2
QUICK = Pace(connect=2.0, silence=0.3, window=0.3, least=1000)
TRIES = 3
UNNAMED = Wanted("i")
"""A file whose name says nothing of its content."""

Answer = Callable[[BaseHTTPRequestHandler], None]


class Fetch:
    """Downloads from a server, and keeps the pauses between the tries and what was said of the progress."""

    def __init__(self, server: WebServer, source: Source) -> None:
        self.file = source.scratch.tools / "download"
        self.url = f"{server.url}/a.sif?x=1"
        self.pauses: list[float] = []
        self.progress: list[tuple[int, int | None]] = []
        self._source = source

    def __call__(self, wanted: Wanted = UNNAMED) -> str:
        terms = Terms(self._source.eviction.check, print, QUICK, TRIES, self.pauses.append, lambda: 0.5)
        return fetch(
            wanted,
            lambda headers: wire.ask("GET", self.url, headers, QUICK),
            self.file,
            terms,
            lambda done, total: self.progress.append((done, total)),
        )


@pytest.fixture
def fetching(web_server: WebServer, source: Source) -> Fetch:
    return Fetch(web_server, source)


def reply(status: int, body: bytes = b"", headers: Mapping[str, str] = {}, length: int | None = None) -> Answer:
    """Answers with a body, which may be shorter or longer than announced."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body) if length is None else length), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def in_turn(server: WebServer, *answers: Answer) -> list[str | None]:
    """Gives each answer to one request, the last to all others; the Range of each request."""
    left, ranges = list(answers), []

    def answer(request: BaseHTTPRequestHandler) -> None:
        ranges.append(request.headers.get("Range"))
        (left.pop(0) if len(left) > 1 else left[0])(request)

    server.answer = answer
    return ranges


def rest(request: BaseHTTPRequestHandler) -> None:
    """What was asked for with a Range."""
    begin = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    reply(206, BODY[begin:], {"Content-Range": f"bytes {begin}-{len(BODY) - 1}/{len(BODY)}"})(request)


def stalling(sent: int) -> Answer:
    """Sends so many bytes of the file and then nothing, without hanging up."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        reply(200, BODY[:sent], {"ETag": '"1"'}, len(BODY))(request)
        request.connection.settimeout(20)
        try:
            request.connection.recv(1)  # until the other end hangs up
        except TimeoutError:
            raise AssertionError("the download waited for a server that stalls") from None

    return answer


def trickling(request: BaseHTTPRequestHandler) -> None:
    """Sends a byte now and then, for 20 s."""
    reply(200, b"", length=len(BODY))(request)
    until, pause = time.monotonic() + 20, threading.Event()
    try:
        while time.monotonic() < until:
            request.wfile.write(b"x")
            pause.wait(0.05)
    except OSError:
        request.close_connection = True


def test_what_is_fetched_is_the_file_and_its_checksum(web_server: WebServer, fetching: Fetch) -> None:
    web_server.answer = reply(200, BODY)
    assert fetching() == SHA256
    assert fetching.file.read_bytes() == BODY
    assert web_server.seen == [("GET", "/a.sif?x=1", None)]
    assert fetching.progress[-1] == (len(BODY), len(BODY))


@pytest.mark.parametrize("wanted", [Wanted("i"), Wanted("i", SHA256, len(BODY))])
def test_a_download_that_breaks_off_goes_on_where_it_ended(
    web_server: WebServer, fetching: Fetch, wanted: Wanted
) -> None:
    ranges = in_turn(web_server, reply(200, BODY[:HALF], {"ETag": '"1"'}, len(BODY)), rest)
    assert fetching(wanted) == SHA256
    assert fetching.file.read_bytes() == BODY
    assert ranges == [None, f"bytes={HALF}-"]


def test_a_download_that_stalls_goes_on_where_it_ended(web_server: WebServer, fetching: Fetch) -> None:
    ranges = in_turn(web_server, stalling(HALF), rest)
    assert fetching() == SHA256
    assert ranges == [None, f"bytes={HALF}-"]


def test_a_file_whose_state_the_server_does_not_tell_is_fetched_anew(web_server: WebServer, fetching: Fetch) -> None:
    ranges = in_turn(web_server, reply(200, BODY[:HALF], length=len(BODY)), reply(200, BODY))
    assert fetching() == SHA256
    assert fetching.file.read_bytes() == BODY
    assert ranges == [None, None]


@pytest.mark.parametrize("answer", [stalling(0), stalling(HALF), trickling], ids=["silent", "stalls", "trickles"])
def test_a_server_that_brings_nothing_is_left_after_some_tries_and_growing_pauses(
    web_server: WebServer, fetching: Fetch, answer: Answer
) -> None:
    web_server.answer = answer
    begun = time.monotonic()
    with pytest.raises(ImageNetworkError) as caught:
        fetching()
    assert time.monotonic() - begun < 10
    assert not caught.value.transient  # it was tried often enough
    assert (len(web_server.seen), fetching.pauses) == (TRIES, [0.5, 1.0])


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, BODY[:HALF], length=len(BODY)),
        reply(200, BODY[1:]),
        reply(200, b"x" + BODY[1:]),
        reply(200, BODY + b"x"),
    ],
    ids=["short", "shorter than its name says", "another", "longer"],
)
def test_what_is_not_what_its_digest_says_is_never_taken(
    web_server: WebServer, fetching: Fetch, answer: Answer
) -> None:
    web_server.answer = answer
    with pytest.raises(ImageNetworkError):
        fetching(Wanted("i", SHA256, len(BODY)))
    assert len(web_server.seen) == TRIES


def test_parts_of_different_files_are_not_put_together(web_server: WebServer, fetching: Fetch) -> None:
    first = reply(200, b"x" * HALF, length=len(BODY))
    ranges = in_turn(web_server, first, rest, reply(200, BODY))
    assert fetching(Wanted("i", SHA256, len(BODY))) == SHA256
    assert ranges == [None, f"bytes={HALF}-", None]


@pytest.mark.parametrize(
    ("status", "body", "given", "error", "requests"),
    [
        (404, b"", False, ImageNotFoundError, 1),
        (410, b"", False, ImageNotFoundError, 1),
        (401, b"", False, ImageCredentialsError, 1),
        (403, b"", True, ImageCredentialsError, 1),
        (429, b"", False, ImageRateLimitError, TRIES),
        (403, b'{"errors": [{"code": "TOOMANYREQUESTS"}]}', False, ImageRateLimitError, TRIES),
        (503, b"toomanyrequests: slow down", False, ImageRateLimitError, TRIES),
        (500, b"", False, ImageNetworkError, TRIES),
        (502, b"", False, ImageNetworkError, TRIES),
        (418, b"", False, ImageNetworkError, 1),
    ],
)
def test_each_refusal_has_its_own_error_and_passing_ones_are_tried_again(
    web_server: WebServer,
    fetching: Fetch,
    status: int,
    body: bytes,
    given: bool,
    error: type[ImageError],
    requests: int,
) -> None:
    web_server.answer = reply(status, body)
    with pytest.raises(error) as caught:
        fetching(Wanted("i", credential_given=given))
    assert type(caught.value) is error
    assert len(web_server.seen) == requests


def test_a_server_that_limits_is_asked_again_when_it_said(web_server: WebServer, fetching: Fetch) -> None:
    in_turn(web_server, reply(429, b"", {"Retry-After": "7"}), reply(200, BODY))
    assert fetching() == SHA256
    assert fetching.pauses == [7.0]


def test_a_full_disk_is_told_as_such_and_not_tried_again(web_server: WebServer, fetching: Fetch) -> None:
    web_server.answer = reply(200, BODY)
    fetching.file = Path("/dev/full")
    with pytest.raises(ImageDiskFullError):
        fetching()
    assert len(web_server.seen) == 1
