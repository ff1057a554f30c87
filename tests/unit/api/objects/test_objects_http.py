"""Uploads and downloads over real connections to the service's own server."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from api.objects.local import LocalStore
from tests.unit.api.objects.serving import Server, gunicorn

BODY = bytes(range(256)) * 40
SHA256 = hashlib.sha256(BODY).hexdigest()
MB = 2**20


def download(server: Server, name: str, user: str = "alice") -> str:
    """A link as jobs get it for an artifact."""
    secret = (server.keys / "signing-secret").read_bytes()
    store = LocalStore(server.root, secret, f"{server.url}/objects")
    return store.download_link(f"users/{user}/{name}", lifetime=60, filename=name)


def stored(server: Server, user: str = "alice") -> dict[str, int]:
    return {entry["name"]: entry["size"] for entry in server.call("GET", "/data", user).json()}


def incoming(server: Server) -> list[Path]:
    return list((server.root / "incoming").iterdir())


def pieces(total: int, size: int = 64 * 1024) -> Iterator[bytes]:
    for start in range(0, total, size):
        yield b"x" * min(size, total - start)


def half_sent(url: str, head: str, body: bytes) -> socket.socket:
    """A connection on which a PUT has begun."""
    split = urlsplit(url)
    connection = socket.create_connection((str(split.hostname), int(split.port or 80)), timeout=20)
    request = f"PUT {split.path}?{split.query} HTTP/1.1\r\nHost: {split.netloc}\r\n{head}\r\n\r\n"
    connection.sendall(request.encode() + body)
    return connection


def test_a_file_comes_back_as_it_went_in(local_server: Server) -> None:
    answer = requests.put(local_server.link("plain", checksum=SHA256), data=BODY, timeout=20)
    assert answer.status_code == 200
    got = requests.get(download(local_server, "plain"), timeout=20)
    assert (got.status_code, got.content) == (200, BODY)
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Disposition"] == 'attachment; filename="plain"'
    assert got.headers["ETag"] == answer.headers["ETag"]


def test_a_file_without_announced_length_and_an_empty_one_are_taken(local_server: Server, tmp_path: Path) -> None:
    assert requests.put(local_server.link("chunked"), data=pieces(3 * MB), timeout=20).status_code == 200
    (tmp_path / "empty").touch()
    with (tmp_path / "empty").open("rb") as empty:
        assert requests.put(local_server.link("empty"), data=empty, timeout=20).status_code == 200
    sizes = stored(local_server)
    assert (sizes["chunked"], sizes["empty"]) == (3 * MB, 0)
    assert requests.get(download(local_server, "empty"), timeout=20).content == b""


@pytest.mark.parametrize("name", ["文件 ü.txt", 'a"b;c.txt', "100%.txt", "a?b#c&d=e.txt", "...", "x" * 300])
def test_strange_names_go_all_the_way(local_server: Server, name: str) -> None:
    assert requests.put(local_server.link(name), data=b"x", timeout=20).status_code == 200
    assert stored(local_server)[name] == 1
    got = requests.get(download(local_server, name), timeout=20)
    assert got.content == b"x"
    assert re.fullmatch(
        r"attachment; filename=\"[\w .+-]+\"(; filename\*=UTF-8''[\w.%~-]+)?", got.headers["Content-Disposition"]
    )
    assert local_server.call("DELETE", f"/data/{quote(name)}").status_code == 204
    assert name not in stored(local_server)


REFUSED = [
    ({"checksum": "0" * 64}, 400, "checksumMismatch"),
    ({"checksum": "0" * 32}, 400, "checksumMismatch"),
    ({"size": len(BODY) + 1}, 400, "wrongSize"),
    ({"size": len(BODY) - 1}, 400, "wrongSize"),
]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("bound", "status", "code"), REFUSED)
def test_what_was_not_announced_is_refused(
    local_server: Server, bound: dict[str, Any], status: int, code: str, chunked: bool
) -> None:
    answer = requests.put(local_server.link("wrong", **bound), data=iter([BODY]) if chunked else BODY, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "wrong" not in stored(local_server)
    assert incoming(local_server) == []


@pytest.mark.parametrize("chunked", [False, True])
def test_too_much_is_refused_and_the_sender_comes_to_know(tmp_path: Path, keys: Path, chunked: bool) -> None:
    storage = {"kind": "local", "root": str(tmp_path / "root"), "signing_secret": str(keys / "signing-secret")}
    with gunicorn(tmp_path, keys, {**storage, "largest_object": 5 * MB}) as server:
        size = 30 * MB
        data = pieces(size) if chunked else b"x" * size
        answer = requests.put(server.link("large"), data=data, timeout=20)
        assert (answer.status_code, answer.json()["code"]) == (413, "tooLarge")
        assert stored(server) == {}
        assert incoming(server) == []
        assert requests.put(server.link("fits"), data=pieces(5 * MB), timeout=20).status_code == 200
        refused = server.call("POST", "/data", json={"filename": "x", "size": 5 * MB + 1})
        assert (refused.status_code, refused.json()["code"]) == (413, "tooLarge")


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: 1000", b"x" * 999),
        ("Transfer-Encoding: chunked", b"3e8\r\n" + b"x" * 999),
        ("Transfer-Encoding: chunked", b"3\r\nxxx\r\n"),
        ("Transfer-Encoding: chunked", b"3\r\nxxx\r\nno number\r\n"),
    ],
)
def test_an_upload_that_breaks_off_leaves_what_was_there(local_server: Server, head: str, body: bytes) -> None:
    requests.put(local_server.link("broken"), data=b"old", timeout=20)
    with half_sent(local_server.link("broken"), head, body) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert b"400" in connection.makefile("rb").readline()
    assert requests.get(download(local_server, "broken"), timeout=20).content == b"old"
    assert incoming(local_server) == []


def test_a_killed_server_leaves_what_was_there(tmp_path: Path, keys: Path) -> None:
    storage = {"kind": "local", "root": str(tmp_path / "root"), "signing_secret": str(keys / "signing-secret")}
    with gunicorn(tmp_path, keys, dict(storage)) as server:
        requests.put(server.link("x"), data=b"old", timeout=20)
        with half_sent(server.link("x"), "Content-Length: 1000000", b"x" * 900_000):
            deadline = time.monotonic() + 20
            while not incoming(server):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            for worker in server.workers():
                os.kill(worker, 9)
            server.process.kill()
            server.process.wait(timeout=20)
    with gunicorn(tmp_path, keys, dict(storage)) as server:
        assert requests.get(download(server, "x"), timeout=20).content == b"old"
        for left in incoming(server):
            os.utime(left, (time.time() - 1000,) * 2)
        requests.put(server.link("y"), data=b"y", timeout=20)
        assert incoming(server) == []


RANGES = [
    ("bytes=0-0", 206, BODY[:1], "bytes 0-0/10240"),
    ("bytes=100-199", 206, BODY[100:200], "bytes 100-199/10240"),
    ("bytes=10000-", 206, BODY[10000:], "bytes 10000-10239/10240"),
    ("bytes=10000-99999", 206, BODY[10000:], "bytes 10000-10239/10240"),
    ("bytes=-40", 206, BODY[-40:], "bytes 10200-10239/10240"),
    ("bytes=10240-", 416, None, "bytes */10240"),
    ("bytes=99999-", 416, None, "bytes */10240"),
    ("bytes=0-99999999999999999999", 206, BODY, "bytes 0-10239/10240"),
    ("bytes=0-1,4-5", 200, BODY, None),
    ("bytes=5-4", 416, None, "bytes */10240"),
    ("lines=1-2", 200, BODY, None),
    ("nonsense", 200, BODY, None),
]


@pytest.mark.parametrize(("asked", "status", "content", "answered"), RANGES)
def test_ranges(local_server: Server, asked: str, status: int, content: bytes | None, answered: str | None) -> None:
    requests.put(local_server.link("ranges"), data=BODY, timeout=20)
    got = requests.get(download(local_server, "ranges"), headers={"Range": asked}, timeout=20)
    assert (got.status_code, got.headers.get("Content-Range")) == (status, answered)
    assert content is None or got.content == content
    assert content is None or got.headers["Content-Length"] == str(len(content))


def test_a_download_goes_on_only_where_the_object_is_still_the_same(local_server: Server) -> None:
    requests.put(local_server.link("again"), data=BODY, timeout=20)
    url = download(local_server, "again")
    etag = requests.get(url, timeout=20).headers["ETag"]
    asked = {"Range": "bytes=5-", "If-Range": etag}
    assert requests.get(url, headers=asked, timeout=20).content == BODY[5:]
    assert requests.get(url, headers={"If-None-Match": etag}, timeout=20).status_code == 304
    requests.put(local_server.link("again"), data=BODY[::-1], timeout=20)
    got = requests.get(url, headers=asked, timeout=20)
    assert (got.status_code, got.content) == (200, BODY[::-1])


def test_a_head_says_what_a_get_would_bring(local_server: Server) -> None:
    requests.put(local_server.link("head"), data=BODY, timeout=20)
    for _ in range(10):  # and takes nothing that later requests need
        head = requests.head(download(local_server, "head"), timeout=20)
        assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(BODY)), b"")
        assert head.headers["Accept-Ranges"] == "bytes"


def test_a_link_is_for_nothing_else(local_server: Server) -> None:
    requests.put(local_server.link("mine"), data=b"mine", timeout=20)
    upload, url = local_server.link("mine"), download(local_server, "mine")
    attempts = [
        requests.get(upload, timeout=20),
        requests.put(url, data=b"x", timeout=20),
        requests.put(upload.replace("alice", "bob"), data=b"x", timeout=20),
        requests.put(upload.replace("users/", "users//"), data=b"x", timeout=20),
        requests.get(url.replace("/mine", "/%6dine%00"), timeout=20),
        requests.get(url.replace("/mine", "/x/%2e%2e/mine"), timeout=20),
        requests.get(url.replace("/mine", "/..%2falice/mine"), timeout=20),
        requests.get(url.replace("/mine", "/mine%ff"), timeout=20),
        requests.get(url + "&e=9999999999", timeout=20),
        requests.get(url.partition("?")[0], timeout=20),
        local_server.call("GET", "/objects/users/alice/mine"),
    ]
    assert [attempt.status_code for attempt in attempts] == [403] * len(attempts)
    assert all(attempt.json()["code"] == "linkRefused" for attempt in attempts)
    assert requests.get(url, timeout=20).content == b"mine"
    assert requests.post(upload, data=b"x", timeout=20).status_code == 405
    assert requests.delete(upload, timeout=20).status_code == 405


def test_a_link_to_nothing_says_so(local_server: Server) -> None:
    answer = requests.get(download(local_server, "nothing"), timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (404, "noSuchObject")


def high_water(pid: int) -> int:
    """The most memory a process ever had, in bytes."""
    line = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert line is not None
    return int(line[1]) * 1024


def test_memory_does_not_grow_with_the_object(local_server: Server) -> None:
    requests.put(local_server.link("small"), data=pieces(MB), timeout=20)
    requests.get(download(local_server, "small"), timeout=20)
    (worker,) = local_server.workers()
    before = high_water(worker)
    size = 120 * MB
    for data in (pieces(size), b"x" * size):
        assert requests.put(local_server.link("large"), data=data, timeout=60).status_code == 200
    with requests.get(download(local_server, "large"), timeout=60, stream=True) as got:
        assert sum(len(piece) for piece in got.iter_content(MB)) == size
    headers = {"Range": "bytes=1-"}
    with requests.get(download(local_server, "large"), headers=headers, timeout=60, stream=True) as got:
        assert sum(len(piece) for piece in got.iter_content(MB)) == size - 1
    assert high_water(worker) - before < 16 * MB
    local_server.call("DELETE", "/data/large")


def test_slow_transfers_leave_room_for_other_requests(local_server: Server) -> None:
    requests.put(local_server.link("slow"), data=pieces(40 * MB), timeout=20)
    url = download(local_server, "slow")
    held = [requests.get(url, stream=True, timeout=20) for _ in range(3)]
    assert [got.status_code for got in held] == [200] * 3
    busy = requests.get(url, timeout=20)
    assert (busy.status_code, busy.json()["code"]) == (503, "busy")
    assert int(busy.headers["Retry-After"]) > 0
    assert requests.put(local_server.link("other"), data=b"x", timeout=20).status_code == 503
    assert "slow" in stored(local_server)
    for got in held:
        got.close()
    deadline = time.monotonic() + 20
    while requests.put(local_server.link("other"), data=b"x", timeout=20).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_client_that_falls_silent_does_not_keep_its_place(tmp_path: Path, keys: Path) -> None:
    storage = {"kind": "local", "root": str(tmp_path / "root"), "signing_secret": str(keys / "signing-secret")}
    with gunicorn(tmp_path, keys, {**storage, "transfers": 1}, stalled=0.5) as server:
        requests.put(server.link("large"), data=pieces(40 * MB), timeout=20)
        url = download(server, "large")
        with half_sent(server.link("x"), "Content-Length: 1000", b"x" * 999) as upload:
            assert b"400" in upload.makefile("rb").readline()
        assert incoming(server) == []
        with requests.get(url, stream=True, timeout=20) as unread:
            assert unread.status_code == 200
            assert requests.get(url, timeout=20).status_code == 503
            deadline = time.monotonic() + 20
            while requests.get(url, timeout=20).status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.05)
