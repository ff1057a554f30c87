"""Requests to running jobs, from the rules behind the routes to the executor's own desk and back, over files in a folder."""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.errors import InvalidParameter, NotYours, StorageFailed
from api.jobs import folder
from api.jobs.commands import Commands, Limits, shown
from api.jobs.errors import (
    JobStopped,
    NoSnapshot,
    NotAnswered,
    NotRunning,
    RequestRefused,
    ServiceBusy,
    TooManyWaiting,
)
from api.jobs.exchange import Exchange
from api.jobs.sandbox import Sandbox
from api.jobs.watch import JobWatch
from api.records.commands import Command
from database.errors import DatabaseUnavailable
from identity.caller import Caller
from pool.session import Ad
from tests.unit.worker.commands_support import proxy
from worker.exchange import Desk, Request

pytestmark = pytest.mark.timeout(60)
ALICE = Caller("alice", "https://issuer", "alice", ("users",))
OUT = base64.b64encode(b"out\n").decode()
DONE = {"exitCode": 3, "stdout": OUT, "stderr": "", "stdoutCut": False, "stderrCut": True}


class World:
    """A job with its folder; what stands for the queue, for the database and for object storage is here."""

    def __init__(self, path: Path) -> None:
        self.sandbox = Sandbox(path / "sandbox")
        self.sandbox.path.mkdir()
        self.status = 2
        self.stored: list[Command] = []
        self.database_is_up = True
        self.url: str | None = None
        self.limits = Limits(command=5)
        (self.sandbox.path / "run").write_text("first")

    def found(self, number: int, caller: Caller) -> tuple[Ad, Sandbox]:
        if caller is not ALICE:
            raise NotYours(number)
        return {"JobStatus": self.status, "ProminenceSubmission": "s", "ExitCode": 0}, self.sandbox

    def add(self, command: Command) -> None:
        if not self.database_is_up:
            raise DatabaseUnavailable("down")
        self.stored.append(command)

    def of_job(self, submission: str) -> list[Command]:
        return self.stored

    def snapshot_link(self, submission: str) -> Any:
        return type("Link", (), {"url": f"https://store/{submission}"})

    def snapshot_url(self, submission: str) -> str | None:
        return self.url

    def commands(self, wait: Callable[[float], None] = lambda seconds: time.sleep(0.005)) -> Commands:
        watch = JobWatch(lambda numbers: dict.fromkeys(numbers, self.status), interval=0)
        return Commands(self, watch, self, self, self.limits, wait)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def executor(world: World, tmp_path: Path) -> Iterator[list[Request]]:
    """The desk of the job's executor, which answers DONE to everything; what it was asked."""
    asked: list[Request] = []

    def serve(request: Request) -> dict[str, Any]:
        asked.append(request)
        return DONE

    over = threading.Event()
    with proxy(world.sandbox.path) as server:
        (tmp_path / "config").write_text(server.config)
        desk = Desk(tmp_path / "config", serve)

        def attend() -> None:
            while not over.is_set():
                desk.advance(0.01)

        thread = threading.Thread(target=attend)
        thread.start()
        yield asked
        over.set()
        thread.join(10)


def test_a_command_goes_to_the_executor_and_its_result_comes_back(world: World, executor: list[Request]) -> None:
    result = world.commands().run(7, ALICE, ["ls", "a,b", "ü"], None)
    assert (result.exit_code, result.stdout, result.stderr, result.stderr_cut) == (3, b"out\n", b"", True)
    assert executor[0].document["command"] == ["ls", "a,b", "ü"]
    assert 0 < executor[0].seconds <= 5
    assert list((world.sandbox.path / "exchange").iterdir()) == []


def test_who_ran_what_is_stored_with_times(world: World, executor: list[Request]) -> None:
    before = time.time()
    world.commands().run(7, ALICE, ["ls"], 9)
    (command,) = world.stored
    assert (command.submission, command.job, command.subject, command.argv) == ("s", 7, "alice", ("ls",))
    assert before <= command.started <= command.ended <= time.time()
    (described,) = shown([command])
    assert (described["command"], described["user"], described["exitCode"]) == (["ls"], "alice", 3)


def test_a_result_is_given_also_while_the_database_is_down(world: World, executor: list[Request]) -> None:
    world.database_is_up = False
    assert world.commands().run(7, ALICE, ["ls"], None).exit_code == 3


def test_several_at_once_each_get_their_own_answer(world: World, executor: list[Request]) -> None:
    commands = world.commands()
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(commands.run(7, ALICE, [f"c{n}"], None).exit_code))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == [3] * 4
    assert sorted(request.document["command"][0] for request in executor) == ["c0", "c1", "c2", "c3"]


@pytest.mark.parametrize("status", [1, 3, 4, 5])
def test_only_a_running_job_is_asked(world: World, status: int) -> None:
    world.status = status
    with pytest.raises(NotRunning, match="Job 7 is not running"):
        world.commands().run(7, ALICE, ["ls"], None)
    with pytest.raises(NotRunning):
        world.commands().snapshot(7, ALICE, "data")
    assert not (world.sandbox.path / "exchange").exists()


def test_another_users_job_is_not_asked(world: World) -> None:
    bob = Caller("bob", "https://issuer", "bob", ("users",))
    for ask in (
        lambda: world.commands().run(7, bob, ["ls"], None),
        lambda: world.commands().snapshot(7, bob, "data"),
        lambda: world.commands().snapshot_url(7, bob),
    ):
        with pytest.raises(NotYours):
            ask()


@pytest.mark.parametrize("command", [[], [""], ["a\0b"], ["x"] * 1001, ["x" * 100_001]])
def test_what_is_no_command_is_refused(world: World, command: list[str]) -> None:
    with pytest.raises(InvalidParameter, match="command"):
        world.commands().run(7, ALICE, command, None)


@pytest.mark.parametrize("seconds", [0, -1, 601, float("nan"), float("inf")])
def test_a_time_limit_beyond_the_services_is_refused(world: World, seconds: float) -> None:
    with pytest.raises(InvalidParameter, match="timeout"):
        world.commands().run(7, ALICE, ["ls"], seconds)


def answering(
    world: World, answer: bytes, then: Callable[[Path], None] = lambda request: None
) -> Callable[[float], None]:
    """A wait during which the executor takes the request and leaves these bytes as its answer."""

    def wait(_: float) -> None:
        for request in (world.sandbox.path / "exchange").glob("*.request"):
            request.rename(request.with_suffix(".taken"))
            folder.put(request.with_suffix(".answer"), answer)
            then(request)
        time.sleep(0.005)

    return wait


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b"{}", b"\xff", b'{"exitCode": "x", "stdout": "", "stderr": ""}', b'{"exitCode": 0, "stdout": "%"}'],
)
def test_an_answer_that_makes_no_sense_is_an_error_and_stored_as_unknown(world: World, answer: bytes) -> None:
    with pytest.raises(RequestRefused):
        world.commands(answering(world, answer)).run(7, ALICE, ["ls"], None)
    assert [command.exit_code for command in world.stored] == [None]


def test_the_executors_refusal_is_passed_on(world: World) -> None:
    answer = b'{"refused": {"code": "noSuchPath", "message": "The job has no file \'x\'."}}'
    with pytest.raises(RequestRefused, match="has no file") as refused:
        world.commands(answering(world, answer)).snapshot(7, ALICE, "x")
    assert refused.value.code == "noSuchPath"


def test_the_end_of_its_time_names_the_limit(world: World) -> None:
    answer = b'{"refused": {"code": "timeOver", "message": "over"}}'
    with pytest.raises(RequestRefused, match="after 2 s"):
        world.commands(answering(world, answer)).run(7, ALICE, ["sleep", "9"], 2)


def exchange(world: World, seconds_a_wait: float, wait: Callable[[], None] = lambda: None) -> Exchange:
    """An exchange whose clock only waiting moves."""
    now = [0.0]

    def waited(_: float) -> None:
        now[0] += seconds_a_wait
        wait()

    return Exchange(world.sandbox.path, waited, lambda: now[0])


def test_nobody_answers_within_the_time(world: World) -> None:
    with pytest.raises(NotAnswered):
        exchange(world, 1.0).ask({}, 5, lambda: True)
    assert list((world.sandbox.path / "exchange").iterdir()) == []


def test_the_job_ends_before_it_answers(world: World) -> None:
    with pytest.raises(JobStopped):
        exchange(world, 1.0).ask({}, 60, lambda: False)


def test_an_answer_that_came_just_before_the_end_counts(world: World) -> None:
    requests = world.sandbox.path / "exchange"
    ends = iter([True, False])

    def runs() -> bool:
        going_on = next(ends)
        if not going_on:
            for request in requests.glob("*.request"):
                folder.put(request.with_suffix(".answer"), b'{"exitCode": 0}')
        return going_on

    assert exchange(world, 1.5).ask({}, 60, runs) == {"exitCode": 0}


def test_a_request_taken_by_a_run_that_is_over_is_lost(world: World) -> None:
    def restart() -> None:
        for request in (world.sandbox.path / "exchange").glob("*.request"):
            request.rename(request.with_suffix(".taken"))
            (world.sandbox.path / "run").write_text("second")

    with pytest.raises(JobStopped):
        exchange(world, 1.0, restart).ask({}, 60, lambda: True)


def test_a_request_not_taken_before_a_restart_is_for_the_new_run(world: World) -> None:
    waits = iter(range(100))

    def restart() -> None:
        (world.sandbox.path / "run").write_text("second")
        if next(waits) > 6:
            for request in (world.sandbox.path / "exchange").glob("*.request"):
                folder.put(request.with_suffix(".answer"), b'{"exitCode": 0}')

    assert exchange(world, 1.0, restart).ask({}, 60, lambda: True) == {"exitCode": 0}


def test_requests_are_their_services_alone_and_whole(world: World) -> None:
    seen: list[tuple[int, int, bytes]] = []

    def look() -> None:
        requests = world.sandbox.path / "exchange"
        for request in requests.glob("*.request"):
            seen.append((requests.stat().st_mode & 0o777, request.stat().st_mode & 0o777, request.read_bytes()))

    with pytest.raises(NotAnswered):
        exchange(world, 9.0, look).ask({"kind": "exec"}, 5, lambda: True)
    assert seen[0] == (0o700, 0o600, b'{"kind": "exec", "timeout": 5}')


def test_too_many_waiting_requests_are_refused_and_old_ones_swept(world: World) -> None:
    requests = world.sandbox.path / "exchange"
    requests.mkdir()
    for number in range(16):
        (requests / f"{number}.request").touch()
    with pytest.raises(TooManyWaiting):
        exchange(world, 9.0).ask({}, 5, lambda: True)
    for old in requests.iterdir():
        os.utime(old, (1, 1))
    with pytest.raises(NotAnswered):
        exchange(world, 9.0).ask({}, 5, lambda: True)
    assert list(requests.iterdir()) == []


def test_a_process_serves_so_many_at_a_time(world: World) -> None:
    world.limits = Limits(at_once=1)
    inner: list[type[Exception]] = []
    refusal = b'{"refused": {"code": "x", "message": "x"}}'

    def meanwhile(_: Path) -> None:
        with pytest.raises(ServiceBusy) as busy:
            commands.run(7, ALICE, ["second"], None)
        inner.append(busy.type)

    commands = world.commands(answering(world, refusal, meanwhile))
    for _ in range(2):  # the place is free again
        with pytest.raises(RequestRefused):
            commands.run(7, ALICE, ["first"], None)
    assert inner == [ServiceBusy] * 2
    assert [command.argv for command in world.stored] == [("first",)] * 2


@pytest.mark.parametrize("what", ["exchange", "answer"])
def test_a_link_that_a_worker_put_there_is_not_followed(world: World, tmp_path: Path, what: str) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_text('{"exitCode": 0, "stdout": "", "stderr": ""}')
    if what == "exchange":
        (world.sandbox.path / "exchange").symlink_to(secret)
        with pytest.raises(StorageFailed):
            world.commands().run(7, ALICE, ["ls"], None)
        assert [path.name for path in secret.iterdir()] == ["file"]
        return

    def plant() -> None:
        for request in (world.sandbox.path / "exchange").glob("*.request"):
            answer = request.with_suffix(".answer")
            if not answer.is_symlink():
                answer.symlink_to(secret / "file")

    with pytest.raises(NotAnswered):
        exchange(world, 5.0, plant).ask({}, 5, lambda: True)


def test_a_full_or_read_only_disk_is_said_so(world: World) -> None:
    (world.sandbox.path / "exchange").write_text("no folder")
    with pytest.raises(StorageFailed):
        world.commands().run(7, ALICE, ["ls"], None)


def test_where_a_snapshot_is_and_that_there_is_none(world: World, executor: list[Request]) -> None:
    with pytest.raises(NoSnapshot):
        world.commands().snapshot_url(7, ALICE)
    world.commands().snapshot(7, ALICE, "data")
    assert executor[0].document | {"timeout": 0} == {
        "kind": "snapshot",
        "path": "data",
        "url": "https://store/s",
        "timeout": 0,
    }
    world.url = "https://store/s?signed"
    world.status = 4
    assert world.commands().snapshot_url(7, ALICE) == "https://store/s?signed"


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 4097])
def test_what_is_no_path_is_refused(world: World, path: str) -> None:
    with pytest.raises(InvalidParameter, match="path"):
        world.commands().snapshot(7, ALICE, path)
