"""Snapshots: what is archived, what never is, and what a store may answer."""

from __future__ import annotations

import io
import os
import socket
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from worker.commands import CommandError
from worker.exchange import Request
from worker.running import Running
from worker.scratch import Scratch
from worker.serving import Serving
from worker.snapshots import take

pytestmark = pytest.mark.timeout(60)


class Store:
    """A store that takes what is put, or answers as it is told."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                outer.paths.append(self.path)
                outer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(b"said the store")

            def log_message(self, format: str, *args: object) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/objects/s.tgz?signature=a%2Fb"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def archive(self) -> tarfile.TarFile:
        return tarfile.open(fileobj=io.BytesIO(self.bodies[-1]), mode="r:gz")


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def home(scratch: Scratch) -> Path:
    (scratch.home / "data/deep").mkdir(parents=True)
    (scratch.home / "data/x").write_text("content")
    (scratch.home / "data/deep/ü\n").write_text("odd")
    return scratch.home


def snapshot(scratch: Scratch, path: str, url: str, largest: int = 2**30) -> int:
    return take(path, scratch.home, scratch.tools, url, largest, lambda: None)


@pytest.mark.parametrize("path", ["data", "/home/user/data", "./data", "data/"])
def test_a_directory_is_archived_with_all_below_it(scratch: Scratch, home: Path, store: Store, path: str) -> None:
    size = snapshot(scratch, path, store.url)
    assert size == len(store.bodies[0])
    assert store.paths == ["/objects/s.tgz?signature=a%2Fb"]
    names = store.archive().getnames()
    assert names == ["data", "data/deep", "data/deep/ü\n", "data/x"]
    member = store.archive().extractfile("data/x")
    assert member is not None
    assert member.read() == b"content"


def test_a_file_alone_and_the_whole_home(scratch: Scratch, home: Path, store: Store) -> None:
    snapshot(scratch, "data/x", store.url)
    assert store.archive().getnames() == ["x"]
    snapshot(scratch, "/home/user", store.url)
    assert store.archive().getnames() == ["data", "data/deep", "data/deep/ü\n", "data/x"]


@pytest.mark.parametrize(
    "path", ["../token", "data/../../token", "/etc/passwd", "/", "absent", "out", "out/passwd", "data/x/y", "a\0b"]
)
def test_nothing_outside_of_the_home_is_archived(scratch: Scratch, home: Path, store: Store, path: str) -> None:
    (scratch.root / "token").write_text("secret")
    (home / "out").symlink_to("/etc")
    with pytest.raises(CommandError) as refused:
        snapshot(scratch, path, store.url)
    assert refused.value.code == "noSuchPath"
    assert store.bodies == []


def test_links_are_archived_as_links_and_what_is_no_file_is_left_out(
    scratch: Scratch, home: Path, store: Store
) -> None:
    (home / "data/link").symlink_to("/etc/passwd")
    (home / "data/folder").symlink_to("..")
    os.mkfifo(home / "data/pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(home / "data/socket"))
        snapshot(scratch, "data", store.url)
    members = {member.name: member for member in store.archive().getmembers()}
    assert members["data/link"].issym()
    assert members["data/link"].linkname == "/etc/passwd"
    assert members["data/folder"].issym()
    assert not {"data/pipe", "data/socket"} & members.keys()


def test_a_file_that_grows_or_shrinks_meanwhile_leaves_the_archive_whole(
    scratch: Scratch, home: Path, store: Store
) -> None:
    (home / "data/x").write_bytes(b"a" * 100_000)
    (home / "data/y").write_bytes(b"b" * 10)
    looks = 0

    def change() -> None:
        nonlocal looks
        looks += 1
        os.truncate(home / "data/x", 50_000)
        os.truncate(home / "data/y", 20 + looks)

    take("data", scratch.home, scratch.tools, store.url, 2**30, change)
    with store.archive() as archive:
        assert [member.name for member in archive] == ["data", "data/deep", "data/deep/ü\n", "data/x", "data/y"]


def test_a_tree_that_is_too_deep_is_refused(scratch: Scratch, home: Path, store: Store) -> None:
    (home / "/".join("d" * 150)).mkdir(parents=True)
    with pytest.raises(CommandError, match="levels"):
        snapshot(scratch, "d", store.url)


def test_an_archive_that_is_too_large_is_not_sent(scratch: Scratch, home: Path, store: Store) -> None:
    (home / "noise").write_bytes(os.urandom(200_000))
    with pytest.raises(CommandError) as refused:
        snapshot(scratch, "noise", store.url, largest=100_000)
    assert refused.value.code == "tooLarge"
    assert store.bodies == []


def test_a_store_that_refuses_or_is_not_there_is_said_so_without_the_link(
    scratch: Scratch, home: Path, store: Store
) -> None:
    store.status = 403
    with pytest.raises(CommandError, match="403 said the store") as refused:
        snapshot(scratch, "data", store.url)
    assert "signature" not in refused.value.message
    with pytest.raises(CommandError) as unreachable:
        snapshot(scratch, "data", "http://127.0.0.1:9/objects?signature=x")
    assert unreachable.value.code == "notStored"
    assert "signature" not in unreachable.value.message


def serve(scratch: Scratch, document: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
    return Serving(scratch, Running(), lambda text: None).answer(Request("0" * 32, document, seconds))


def test_requests_are_answered_whatever_they_are(scratch: Scratch, home: Path, store: Store) -> None:
    answer = serve(scratch, {"kind": "snapshot", "path": "data", "url": store.url})
    assert answer == {"size": len(store.bodies[0])}
    assert serve(scratch, {"kind": "exec", "command": ["ls"]})["refused"]["code"] == "notRunning"
    assert serve(scratch, {"kind": "snapshot", "path": 7, "url": store.url})["refused"]["code"] == "failed"
    assert serve(scratch, {"kind": "exec"})["refused"]["code"] == "failed"
    assert serve(scratch, {})["refused"]["code"] == "unknown"


def test_a_snapshot_ends_with_its_time(scratch: Scratch, home: Path, store: Store) -> None:
    answer = serve(scratch, {"kind": "snapshot", "path": "data", "url": store.url}, seconds=-1)
    assert answer["refused"]["code"] == "timeOver"
    assert store.bodies == []
