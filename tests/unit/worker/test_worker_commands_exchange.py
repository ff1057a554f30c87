"""Requests left at the access point, taken and answered over the I/O proxy; and the copies of what the job writes."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.worker.commands_support import ProxyServer, proxy
from worker.exchange import AT_ONCE, Desk, Request
from worker.live import Copies

pytestmark = pytest.mark.timeout(60)
NAME = "0123456789abcdef" * 2


class AccessPoint:
    """A job's folder at the access point, the scratch directory of its executor, and the proxy between them."""

    def __init__(self, root: Path, server: ProxyServer) -> None:
        self.folder = root / "sandbox"
        self.requests = self.folder / "exchange"
        self.scratch = root / "scratch"
        self.server = server
        self.config = self.scratch / ".chirp.config"
        self.config.write_text(server.config)

    def ask(self, name: str = NAME, **document: Any) -> Path:
        """Leaves a request; where its answer will be."""
        self.requests.mkdir(exist_ok=True)
        (self.requests / f"{name}.request").write_text(json.dumps({"timeout": 60, **document}))
        return self.requests / f"{name}.answer"


@pytest.fixture
def access_point(tmp_path: Path) -> Iterator[AccessPoint]:
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "scratch").mkdir()
    with proxy(tmp_path / "sandbox") as server:
        yield AccessPoint(tmp_path, server)


def until(desk: Desk, answer: Path) -> Any:
    """The answer, once the desk has delivered it."""
    deadline = time.monotonic() + 20
    while not answer.exists():
        assert time.monotonic() < deadline
        desk.advance(0.02)
    return json.loads(answer.read_text())


def test_a_request_is_served_once_and_answered(access_point: AccessPoint) -> None:
    served: list[Request] = []

    def serve(request: Request) -> dict[str, Any]:
        served.append(request)
        return {"kind": request.document["kind"]}

    first, second = Desk(access_point.config, serve), Desk(access_point.config, serve)
    answer = access_point.ask(kind="exec")
    first.advance(0)
    second.advance(0)
    assert until(first, answer) == {"kind": "exec"}
    assert [request.name for request in served] == [NAME]
    assert 0 < served[0].seconds <= 60
    answer.unlink()
    first.advance(0)
    second.advance(0)
    assert len(served) == 1


def test_a_look_at_nothing_costs_one_call(access_point: AccessPoint) -> None:
    desk = Desk(access_point.config, lambda request: {})
    desk.advance(0)
    desk.advance(0)
    assert access_point.server.asked == ["cookie secret", "getdir exchange", "getdir exchange"]


def test_a_request_older_than_its_limit_is_dropped_whatever_this_clock_says(access_point: AccessPoint) -> None:
    desk = Desk(access_point.config, lambda request: pytest.fail("it was served"))
    answer = access_point.ask(kind="exec")
    request = access_point.requests / f"{NAME}.request"
    long_ago = time.time() - 100
    os.utime(request, (long_ago, long_ago))
    desk.advance(0)
    desk.advance(0)
    assert not request.exists()
    assert not answer.exists()


def test_a_request_from_the_future_gets_no_longer_than_its_limit(access_point: AccessPoint) -> None:
    desk = Desk(access_point.config, lambda request: {"seconds": request.seconds})
    answer = access_point.ask()
    ahead = time.time() + 1000
    os.utime(access_point.requests / f"{NAME}.request", (ahead, ahead))
    assert until(desk, answer) == {"seconds": 60}


def test_more_requests_than_a_job_serves_at_once_are_refused(access_point: AccessPoint) -> None:
    go_on = threading.Event()

    def serve(request: Request) -> dict[str, Any]:
        go_on.wait(20)
        return {"served": True}

    desk = Desk(access_point.config, serve)
    answers = [access_point.ask(f"{n:032x}") for n in range(AT_ONCE + 1)]
    desk.advance(0)
    desk.advance(0.05)
    refused = [answer for answer in answers if answer.exists()]
    assert [json.loads(answer.read_text())["refused"]["code"] for answer in refused] == ["busy"]
    go_on.set()
    assert [until(desk, answer) for answer in answers if answer not in refused] == [{"served": True}] * AT_ONCE
    # There is room again.
    assert until(desk, access_point.ask("f" * 32)) == {"served": True}


def test_an_answer_waits_until_the_access_point_can_be_reached(access_point: AccessPoint) -> None:
    finished = threading.Event()

    def serve(request: Request) -> dict[str, Any]:
        finished.set()
        return {"served": True}

    desk = Desk(access_point.config, serve)
    answer = access_point.ask()
    desk.advance(0)
    assert finished.wait(10)
    access_point.server.broken = True
    with pytest.raises(OSError, match="closed the connection"):
        desk.advance(0.2)
    access_point.server.broken = False
    assert until(desk, answer) == {"served": True}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"kind": "exec"}', '{"timeout": "60"}', '{"timeout": -1}'])
def test_what_is_no_request_is_taken_away_and_not_served(access_point: AccessPoint, text: str) -> None:
    desk = Desk(access_point.config, lambda request: pytest.fail("it was served"))
    access_point.ask()
    (access_point.requests / f"{NAME}.request").write_text(text)
    desk.advance(0)
    desk.advance(0)
    assert not (access_point.requests / f"{NAME}.request").exists()


def test_files_of_other_names_are_left_alone(access_point: AccessPoint) -> None:
    desk = Desk(access_point.config, lambda request: pytest.fail("it was served"))
    access_point.ask("..")
    access_point.ask("x" * 32)
    access_point.ask(f"{NAME}.request.partial")
    before = sorted(path.name for path in access_point.requests.iterdir())
    desk.advance(0)
    assert sorted(path.name for path in access_point.requests.iterdir()) == before


def test_the_streams_are_empty_before_the_run_has_its_name(access_point: AccessPoint) -> None:
    scratch, folder = access_point.scratch, access_point.folder
    (folder / "stdout").write_text("of the run before")
    (folder / "run").write_text("before")
    (scratch / "_condor_stdout").write_text("one\n")
    (scratch / "_condor_stderr").write_text("")
    Copies(scratch, "b" * 32).advance()
    assert (folder / "stdout").read_text() == "one\n"
    assert (folder / "run").read_text() == "b" * 32
    asked = [line.split()[0:2] for line in access_point.server.asked]
    order = [asked.index(step) for step in (["open", "stdout"], ["open", "stderr"], ["rename", "run.partial"])]
    assert order == sorted(order)
    assert next(n for n, line in enumerate(asked) if line[0] == "pwrite" and n > order[-1]) > order[-1]


def test_after_a_lost_connection_the_copies_have_all_and_the_run_its_name(access_point: AccessPoint) -> None:
    scratch, folder = access_point.scratch, access_point.folder
    for stream in ("_condor_stdout", "_condor_stderr"):
        (scratch / stream).write_text(f"{stream} one\n")
    copies = Copies(scratch, "b" * 32)
    copies.advance()
    access_point.server.broken = True
    with (scratch / "_condor_stdout").open("a") as file:
        file.write("two\n")
    with pytest.raises(OSError, match="proxy"):
        copies.advance()
    access_point.server.broken = False
    copies.advance()
    assert (folder / "stdout").read_text() == "_condor_stdout one\ntwo\n"
    assert (folder / "stderr").read_text() == "_condor_stderr one\n"
    assert (folder / "run").read_text() == "b" * 32


def test_the_report_is_copied_when_it_changed_and_whole(access_point: AccessPoint) -> None:
    scratch, folder = access_point.scratch, access_point.folder
    for stream in ("_condor_stdout", "_condor_stderr"):
        (scratch / stream).touch()
    copies = Copies(scratch, "b" * 32)
    copies.advance()
    assert not (folder / "report.json").exists()
    (scratch / "report.json").write_text('{"state": "running"}')
    copies.advance()
    assert json.loads((folder / "report.json").read_text()) == {"state": "running"}
    asked = len(access_point.server.asked)
    copies.advance()
    assert len(access_point.server.asked) == asked
    (scratch / "new").write_text('{"state": "completed"}')
    (scratch / "new").replace(scratch / "report.json")
    copies.advance()
    assert json.loads((folder / "report.json").read_text()) == {"state": "completed"}
