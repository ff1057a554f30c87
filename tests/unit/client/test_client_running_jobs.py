"""Into running jobs: exec, events, and output as the service sends it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from prominence.client import Client
from prominence.commands.streamed import ATTEMPTS
from prominence.errors import UnexpectedAnswer
from prominence.streaming import Piece, pieces

from tests.unit.client.scripted_server import Answer, Request, ScriptedServer

if TYPE_CHECKING:
    from tests.unit.client.conftest import Shell

STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}


def stream(*blocks: str) -> Answer:
    return Answer(200, b": following\n\n" + "".join(f"{block}\n\n" for block in blocks).encode(), STREAM)


def test_exec_prints_both_streams_and_exits_as_the_command_did(server: ScriptedServer, shell: Shell) -> None:
    server.on("POST /jobs/7/exec", Answer(200, {"stdout": "öut\n", "stderr": "err\n", "exitCode": 3}))
    result = shell("exec", "--timeout", "5", "7", "sh", "-c", "a, b; --exit 3")
    assert (result.code, result.out, result.err) == (3, "öut\n", "err\n")
    (request,) = server.requests
    assert json.loads(request.body) == {"command": ["sh", "-c", "a, b; --exit 3"], "timeout": 5}
    assert request.headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    ("argv", "command"), [(("7", "--", "ls", "--", "x"), ["ls", "--", "x"]), (("7", "ls", "--timeout", "5"), None)]
)
def test_all_that_follows_the_id_is_the_command(
    server: ScriptedServer, shell: Shell, argv: tuple[str, ...], command: list[str] | None
) -> None:
    server.on("POST /jobs/7/exec", Answer(200, {"stdout": "", "stderr": "", "exitCode": 0, "truncated": True}))
    result = shell("exec", *argv)
    assert result.code == 0
    assert "cut" in result.err
    assert json.loads(server.requests[0].body) == {"command": command or ["ls", "--timeout", "5"]}


def test_exec_without_a_command_is_wrong_usage(server: ScriptedServer, shell: Shell) -> None:
    assert shell("exec", "7").code == 2
    assert server.requests == []


@pytest.mark.parametrize("failure", [Answer(503, {"error": "busy"}), Answer(drop=True)])
def test_a_command_is_never_sent_twice(server: ScriptedServer, shell: Shell, failure: Answer) -> None:
    server.on("POST /jobs/7/exec", failure)
    assert shell("exec", "7", "ls").code == 4
    assert len(server.requests) == 1


def test_a_refused_command_says_why(server: ScriptedServer, shell: Shell) -> None:
    server.on("POST /jobs/7/exec", Answer(400, {"error": "Job 7 is not running."}))
    result = shell("exec", "7", "ls")
    assert (result.code, result.err) == (1, "prominence: Job 7 is not running.\n")


@pytest.mark.parametrize("answer", [[], {}, {"exitCode": "0", "stdout": "", "stderr": ""}, "text"])
def test_an_answer_that_is_no_result_is_an_error(server: ScriptedServer, shell: Shell, answer: object) -> None:
    server.on("POST /jobs/7/exec", Answer(200, answer))
    assert shell("exec", "7", "ls").code == 1


def test_events_are_a_line_each(server: ScriptedServer, shell: Shell) -> None:
    events = [
        {"time": 1_800_000_000, "event": "created"},
        {"time": 1_800_000_001.5, "event": "started", "host": "w\n1", "run": 1},
    ]
    server.on("GET /jobs/7/events", Answer(200, events))
    first, second = shell("events", "7").out.splitlines()
    assert first.endswith("  created")
    assert second.endswith("  started         host=w\\n1  run=1")
    assert json.loads(shell("events", "7", "--json").out) == events


def test_what_are_no_events_is_an_error(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /jobs/7/events", Answer(200, [{"event": "created"}]))
    assert shell("events", "7").code == 1


def test_output_is_streamed_byte_for_byte_until_the_job_has_ended(server: ScriptedServer, shell: Shell) -> None:
    server.on(
        "GET /jobs/7/stdout",
        stream(
            'id: 5-a\ndata: "on\\r\\ne"',
            'id: 7-a\nevent: bytes\ndata: "//4="',
            'event: end\ndata: {"status": "failed"}',
        ),
    )
    result = shell("stdout", "-f", "7")
    assert (result.code, result.stdout, result.err) == (0, b"on\r\ne\xff\xfe", "")
    (request,) = server.requests
    assert (request.query, request.headers["Accept"]) == ({"follow": "true"}, "text/event-stream")


def test_a_lost_stream_goes_on_where_it_was(server: ScriptedServer, shell: Shell) -> None:
    answers = iter(
        [
            stream('id: 3-a\ndata: "one"'),
            Answer(drop=True),
            Answer(503),
            stream('id: 6-a\ndata: "two"', 'event: end\ndata: {"status": "completed"}'),
        ]
    )
    places: list[str | None] = []

    def answer(request: Request) -> Answer:
        places.append(request.headers.get("Last-Event-ID"))
        return next(answers)

    server.dynamic["GET /jobs/7/stdout"] = answer
    assert shell("stdout", "-f", "7").stdout == b"onetwo"
    assert places == [None, "3-a", "3-a", "3-a"]


def test_a_stream_that_stays_lost_is_given_up(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /jobs/7/stdout", stream('id: 3-a\ndata: "one"'), Answer(drop=True))
    result = shell("stdout", "-f", "7")
    assert (result.code, result.stdout) == (4, b"one")
    assert len(server.requests) == ATTEMPTS


def test_a_restart_is_said_beside_the_output(server: ScriptedServer, shell: Shell) -> None:
    server.on(
        "GET /jobs/7/stdout",
        stream(
            'id: 3-a\ndata: "one"',
            "id: 0-b\nevent: restart\ndata: {}",
            'id: 3-b\ndata: "uno"',
            'event: end\ndata: {"status": "completed"}',
        ),
    )
    result = shell("stdout", "-f", "7")
    assert result.stdout == b"oneuno"
    assert result.err == "prominence: Job 7 was started again: its output begins anew.\n"


def test_a_busy_service_is_asked_by_offset_instead(server: ScriptedServer, shell: Shell) -> None:
    def answer(request: Request) -> Answer:
        return Answer(503) if "follow" in request.query else Answer(200, b"text"[int(request.query["offset"]) :])

    server.dynamic["GET /jobs/7/stdout"] = answer
    server.on("GET /jobs/7", Answer(200, [{"id": 7, "status": "completed", "tasks": []}]))
    assert shell("stdout", "-f", "7").stdout == b"text"


def test_the_library_gives_pieces(server: ScriptedServer) -> None:
    server.on("GET /jobs/7/stderr", stream('id: 3-a\ndata: "one"', 'event: end\ndata: {"status": "killed"}'))
    found = list(Client(server.url, "t0ken").follow(7, "stderr", "0-a"))
    assert found == [Piece(b"one", "3-a"), Piece(place="3-a", status="killed")]
    assert server.requests[0].headers["Last-Event-ID"] == "0-a"


@pytest.mark.parametrize("data", ["{", "[", '"%%%"'])
def test_events_of_another_form_are_an_error(data: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="update"):
        list(pieces([b"event: bytes", b"data: " + data.encode(), b""]))
