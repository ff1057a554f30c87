"""Images by address, against a real server on the loopback interface that misbehaves."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from worker.images import Source, download
from worker.images.errors import (
    ImageChecksumError,
    ImageCorruptError,
    ImageFormatError,
    ImageNetworkError,
    ImageNotFoundError,
)
from worker.images.reference import Url
from worker.images.store import Store

from .conftest import WebServer

BODY = b"x" * 100_000


def send(
    body: bytes, promised: int | None = None, headers: Mapping[str, str] = {}
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with a body, which may be shorter than promised."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(promised or len(body)))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def test_a_server_that_is_not_there_is_a_network_error(source: Source) -> None:
    with pytest.raises(ImageNetworkError, match="refused"):
        download.obtain(Url("http://127.0.0.1:1/a.sif"), "", source)


def test_a_passing_failure_is_tried_again(web_server: WebServer, source: Source) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if len(web_server.seen) < 2:
            request.send_error(503)
        else:
            send(b"no image", headers={"ETag": '"1"'})(request)

    web_server.answer = answer
    with pytest.raises(ImageFormatError):
        download.obtain(Url(f"{web_server.url}/a.sif"), "", source)
    assert len(web_server.seen) == 3  # the refusal, the question for the file's state, the file


def test_a_failure_that_stays_is_not_tried_again(web_server: WebServer, source: Source) -> None:
    with pytest.raises(ImageNotFoundError):
        download.obtain(Url(f"{web_server.url}/a.sif"), "", source)
    assert len(web_server.seen) == 1


def test_a_file_with_another_checksum_is_not_unpacked(web_server: WebServer, source: Source) -> None:
    web_server.answer = send(BODY, headers={"ETag": '"1"'})
    with pytest.raises(ImageChecksumError) as caught:
        download.obtain(Url(f"{web_server.url}/a.sif"), "a" * 64, source)
    assert caught.value.found == hashlib.sha256(BODY).hexdigest()
    assert not (source.scratch.tools / "download").exists()


@pytest.mark.parametrize(
    ("headers", "downloads"), [({"ETag": '"1"'}, 0), ({"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, 0), ({}, 1)]
)
def test_a_file_that_the_server_says_is_the_same_is_not_fetched_again(
    web_server: WebServer, source: Source, headers: dict[str, str], downloads: int
) -> None:
    url = f"{web_server.url}/a.sif"
    web_server.answer = send(BODY, headers=headers)
    sha256 = hashlib.sha256(BODY).hexdigest()
    known = download.state_of(url)
    store = Store(source.cache, [])
    if known:
        store.obtain_named(f"url-{known}", url, lambda: sha256, Path.mkdir)
    else:
        store.obtain(f"content-{sha256}", url, Path.mkdir)
    web_server.seen.clear()
    image = download.obtain(Url(url), sha256, source)
    assert (image.cached, image.sha256) == (True, sha256)
    assert len(web_server.seen) == 1 + downloads
    with pytest.raises(ImageChecksumError):
        download.obtain(Url(url), "a" * 64, source)


def test_a_file_that_changed_on_the_server_is_another_image(web_server: WebServer) -> None:
    url = f"{web_server.url}/a.sif"
    keys = []
    for etag in ('"1"', '"2"'):
        web_server.answer = send(BODY, headers={"ETag": etag})
        keys.append(download.state_of(url))
    assert keys[0] != keys[1]


def plain_tar(*names: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return made.getvalue()


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (b"<html>", ImageFormatError, "neither"),
        (b"", ImageFormatError, "neither"),
        (plain_tar("etc/passwd", "bin/sh"), ImageFormatError, "without a manifest"),
        (b"\x1f\x8b\x08\x00broken", ImageCorruptError, "compression"),
    ],
)
def test_what_is_no_image_file_is_refused_by_its_content(
    web_server: WebServer, source: Source, body: bytes, error: type, says: str
) -> None:
    web_server.answer = send(body, headers={"ETag": '"1"'})
    with pytest.raises(error, match=says):
        download.obtain(Url(f"{web_server.url}/image.tar"), "", source)
