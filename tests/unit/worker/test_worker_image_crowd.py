"""Many processes that want one image at once, of a real store and a real server that counts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from .conftest import WebServer

CROWD = 20
ROOT = Path(__file__).parents[3]
PATIENCE = 60
WANT = """
import sys
from pathlib import Path
from worker.images.fetch import Wanted, fetch
from worker.images.store import Store
from worker.staging import wire
from worker.staging.terms import Pace, Terms

folder, url = sys.argv[1:]

def unpack(target):
    target.mkdir()
    ask = lambda headers: wire.ask("GET", url, {**headers, "X-Who": str(__import__("os").getpid())}, Pace())
    fetch(Wanted("i"), ask, target / "file", Terms(lambda: None, print), lambda done, total: None)

print("ready", flush=True)
sys.stdin.readline()
held = []
image = Store(Path(folder), held).obtain("docker-" + "a" * 64, "i", unpack)
print("cached" if image.cached else "fetched", (image.path / "file").read_text(), flush=True)
"""


class Crowd:
    """Processes that are ready, and ask for the image when they are told to."""

    def __init__(self, store: Path, url: str) -> None:
        command = [sys.executable, "-c", WANT, str(store), url]
        self.all = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(CROWD)
        ]
        for one in self.all:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"

    def go(self) -> None:
        for one in self.all:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()

    def said(self) -> list[str]:
        """What each said that was not killed."""
        return sorted(text for one in self.all if (text := one.communicate(timeout=PATIENCE)[0].strip()))


@pytest.fixture
def crowd(tmp_path: Path, web_server: WebServer) -> Iterator[Crowd]:
    made = Crowd(tmp_path / "store", f"{web_server.url}/image")
    yield made
    for one in made.all:
        one.kill()
        one.communicate(timeout=PATIENCE)


def send(request: BaseHTTPRequestHandler, body: bytes, length: int) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(length))
    request.end_headers()
    request.wfile.write(body)


def test_one_download_for_twenty_processes(web_server: WebServer, crowd: Crowd) -> None:
    web_server.answer = lambda request: send(request, b"content", 7)
    crowd.go()
    assert crowd.said() == ["cached content"] * (CROWD - 1) + ["fetched content"]
    assert len(web_server.seen) == 1


def test_when_the_one_that_downloads_is_killed_another_takes_over(
    web_server: WebServer, crowd: Crowd, tmp_path: Path
) -> None:
    killed = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        if killed.is_set():
            send(request, b"content", 7)
            return
        send(request, b"con", 7)
        os.kill(int(request.headers["X-Who"]), signal.SIGKILL)
        killed.set()

    web_server.answer = answer
    crowd.go()
    assert crowd.said() == ["cached content"] * (CROWD - 2) + ["fetched content"]
    assert len(web_server.seen) == 2
    assert list((tmp_path / "store/partial").iterdir()) == []
