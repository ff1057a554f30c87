"""A running job says what it does and how far that is, on a real worker that fetches from a server which stops half-way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.pool.conftest import User

pytestmark = pytest.mark.timeout(180)
SIZE = 1_000_000


class Halfway(BaseHTTPRequestHandler):
    """Sends 40 % of a file, and the rest once `going_on` is set."""

    going_on: threading.Event

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        self.wfile.write(bytes(SIZE * 4 // 10))
        self.wfile.flush()
        self.going_on.wait(60)
        self.wfile.write(bytes(SIZE * 6 // 10))

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up when their job is deleted."""


@contextmanager
def halfway() -> Iterator[tuple[str, threading.Event]]:
    """The address of a file, and the event that lets all of it come."""

    class Bound(Halfway):
        going_on = threading.Event()

    server = Quiet(("127.0.0.1", 0), Bound)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/data.bin", Bound.going_on
    finally:
        Bound.going_on.set()
        server.shutdown()
        server.server_close()


def once(somebody: User, number: int, reason: str) -> dict[str, Any]:
    """The described job, once it says this."""
    deadline = time.monotonic() + 45
    while (shown := somebody.describe(number)).get("statusReason") != reason:
        assert shown["status"] in ("idle", "running"), shown
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)
    return shown


def test_a_job_that_fetches_an_artifact_says_how_far_it_is(user: Callable[..., User]) -> None:
    alice = user()
    with halfway() as (url, going_on):
        number = alice.submit("sleep 4", artifacts=[{"url": url}])
        shown = once(alice, number, "Fetching its files 40 %.")
        progress = shown["execution"]["progress"]
        assert (progress["phase"], progress["item"], progress["percent"]) == ("stagingIn", url, 40)
        assert shown["events"]["startTime"] - 1 <= progress["since"] <= time.time() + 1
        last = alice.call("GET", f"/jobs/{number}/events").json()[-1]
        assert (last["event"], last["percent"]) == ("stagingIn", 40)
        listed = alice.call("GET", "/jobs", params={"id": number}).json()[0]
        assert "statusReason" not in listed, "a list reads no files of jobs"
        going_on.set()
        shown = alice.wait(number)
        assert shown["status"] == "completed", shown
    assert "progress" not in shown["execution"]
    assert "statusReason" not in shown


def test_a_job_that_pulls_an_image_says_how_far_it_is_and_nothing_more_when_it_is_gone(
    user: Callable[..., User],
) -> None:
    alice = user()
    with halfway() as (url, _):
        tasks = [{"image": "/images/busybox", "cmd": "true"}, {"image": url.replace("data.bin", "image.tar")}]
        number = alice.submit("true", tasks=tasks)
        shown = once(alice, number, "Pulling image 40 % for task 2 of 2.")
        assert shown["execution"]["progress"]["task"] == 1
        alice.call("DELETE", f"/jobs/{number}")
        shown = alice.wait(number, "deleted")
    assert "progress" not in shown.get("execution", {})
    assert "Pulling" not in shown.get("statusReason", "")
