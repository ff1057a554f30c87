"""What a WebDAV server's first answer means for the job."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from tests.unit.worker.conftest import WebServer
from tests.unit.worker.storage_support import SECRET, webdav
from worker.staging.terms import Pace, Terms
from worker.storage.errors import (
    StorageCredentialsError,
    StorageError,
    StorageNotFoundError,
    StorageProtocolError,
    StorageUnreachableError,
)
from worker.storage.webdav import check

TERMS = Terms(lambda: None, lambda _text: None, Pace(silence=5), tries=2, sleep=lambda _seconds: None)


def answering(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def test_a_server_is_asked_once_and_with_the_password(web_server: WebServer) -> None:
    web_server.answer = answering(207)
    check(webdav(f"{web_server.url}/files/"), TERMS)
    told = base64.b64encode(f"ada:{SECRET}".encode()).decode()
    assert web_server.seen == [("PROPFIND", "/files/", f"Basic {told}")]


@pytest.mark.parametrize(
    ("status", "kind", "asked"),
    [
        (401, StorageCredentialsError, 1),
        (403, StorageCredentialsError, 1),
        (404, StorageNotFoundError, 1),
        (200, StorageProtocolError, 1),
        (405, StorageProtocolError, 1),
        (501, StorageProtocolError, 1),
        (503, StorageUnreachableError, 2),
        (429, StorageUnreachableError, 2),
    ],
)
def test_another_answer_is_a_named_failure(
    web_server: WebServer, status: int, kind: type[StorageError], asked: int
) -> None:
    web_server.answer = answering(status)
    with pytest.raises(StorageError) as raised:
        check(webdav(web_server.url), TERMS)
    assert type(raised.value) is kind
    assert str(status) in raised.value.message or status == 404
    assert web_server.url in raised.value.message
    assert len(web_server.seen) == asked


def test_the_password_does_not_follow_a_redirect(web_server: WebServer) -> None:
    web_server.answer = answering(302, Location="https://elsewhere.example.eu/x?key=1")
    with pytest.raises(StorageProtocolError) as raised:
        check(webdav(web_server.url), TERMS)
    assert len(web_server.seen) == 1
    assert "(it answers 302 and points to elsewhere.example.eu)" in raised.value.message


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(StorageUnreachableError) as raised:
            check(webdav(f"http://127.0.0.1:{held.getsockname()[1]}/"), TERMS)
    assert "Connection refused" in raised.value.message


@pytest.mark.parametrize("status", [401, 404, 405, 500])
def test_no_message_has_the_password(web_server: WebServer, status: int) -> None:
    web_server.answer = answering(status)
    with pytest.raises(StorageError) as raised:
        check(webdav(web_server.url), TERMS)
    assert SECRET not in raised.value.message
