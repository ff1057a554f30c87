"""Requests: the token, errors as exceptions, retries and their pauses."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import prominence
import pytest
from prominence.address import service_url
from prominence.transport import seconds_until

from tests.unit.client.scripted_server import Answer, ScriptedServer, Time, job

DESCRIPTION = {"resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "busybox"}]}


def client(server: ScriptedServer, time: Time | None = None, **options: Any) -> prominence.Client:
    return prominence.Client(server.url, "t0ken", sleep=(time or Time()).sleep, **options)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, {"error": "tasks is required."}, prominence.Refused, "tasks is required."),
        (400, b"no json", prominence.Refused, "The service refused the request."),
        (400, [1], prominence.Refused, "The service refused the request."),
        (401, {"error": "The token has expired."}, prominence.NotAuthenticated, "The token has expired."),
        (401, b"", prominence.NotAuthenticated, "set PROMINENCE_TOKEN"),
        (403, {"error": "Not your job."}, prominence.Forbidden, "Not your job."),
        (403, {}, prominence.Forbidden, "not yours"),
        (429, b"", prominence.Unavailable, "HTTP 429"),
        (502, b"<html>", prominence.Unavailable, "HTTP 502"),
        (503, {"error": "The queue is down."}, prominence.Unavailable, "The queue is down."),
        (504, b"", prominence.Unavailable, "HTTP 504"),
        (500, {"error": "Report 12ab."}, prominence.UnexpectedAnswer, "Report 12ab."),
        (404, b"<html>", prominence.UnexpectedAnswer, "PROMINENCE_URL"),
    ],
)
def test_every_status_has_its_exception_and_sentence(
    server: ScriptedServer, status: int, body: Any, kind: type[prominence.Error], message: str
) -> None:
    server.on("GET /jobs", Answer(status, body))
    with pytest.raises(kind) as caught:
        client(server).list_jobs()
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert message in caught.value.message


def test_the_field_which_the_service_names_reaches_the_caller(server: ScriptedServer) -> None:
    server.on("POST /jobs", Answer(400, {"error": "resources.cpus must be 1 or more.", "field": "resources.cpus"}))
    with pytest.raises(prominence.Refused) as caught:
        client(server).create_job(DESCRIPTION)
    assert caught.value.field == "resources.cpus"


def test_each_request_carries_the_token_and_says_which_client_it_is(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(200, []))
    client(server).list_jobs()
    headers = server.requests[0].headers
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["User-Agent"] == f"prominence-client/{prominence.__version__}"


def test_a_netrc_entry_never_takes_the_tokens_place(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.on("GET /jobs", Answer(200, []))
    client(server).list_jobs()
    assert server.requests[0].headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize("trouble", [Answer(503), Answer(502), Answer(504), Answer(drop=True)])
def test_a_creation_is_retried_with_the_same_key_and_body(server: ScriptedServer, trouble: Answer) -> None:
    server.on("POST /jobs", trouble, trouble, Answer(201, {"id": 42}))
    assert client(server).create_job(DESCRIPTION) == 42
    assert len(server.requests) == 3
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 1
    assert [json.loads(request.body) for request in server.requests] == [DESCRIPTION] * 3


def test_each_creation_has_a_key_of_its_own_unless_one_is_given(server: ScriptedServer) -> None:
    server.on("POST /jobs", Answer(201, {"id": 42}))
    connection = client(server)
    connection.create_job(DESCRIPTION)
    connection.create_job(DESCRIPTION)
    connection.create_job(DESCRIPTION, idempotency_key="mine")
    keys = [request.headers["Idempotency-Key"] for request in server.requests]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"
    assert len(keys[0]) >= 32


@pytest.mark.parametrize(
    ("route", "good", "call"),
    [
        ("GET /jobs", Answer(200, []), lambda c: c.list_jobs()),
        ("GET /jobs/7", Answer(200, [job()]), lambda c: c.describe_job(7)),
        ("GET /jobs/7/stdout", Answer(200, b"x"), lambda c: c.stdout(7)),
        ("DELETE /jobs/7", Answer(200, {}), lambda c: c.delete_jobs([7])),
    ],
)
def test_reads_and_deletions_are_retried(
    server: ScriptedServer, route: str, good: Answer, call: Callable[[prominence.Client], object]
) -> None:
    server.on(route, Answer(drop=True), Answer(503), good)
    call(client(server))
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_an_answer_which_another_attempt_cannot_change_is_not_asked_for_twice(
    server: ScriptedServer, status: int
) -> None:
    server.on("POST /jobs", Answer(status, {"error": "No."}))
    with pytest.raises(prominence.Error):
        client(server).create_job(DESCRIPTION)
    assert len(server.requests) == 1


def test_retries_end_and_their_pauses_grow_with_jitter(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(503))
    time = Time()
    with pytest.raises(prominence.Unavailable):
        client(server, time, backoff=prominence.Backoff(attempts=6, first=1.0, longest=4.0)).list_jobs()
    assert len(server.requests) == 6
    for pause, most in zip(time.slept, [1, 2, 4, 4, 4], strict=True):
        assert most / 2 <= pause <= most


def test_retry_after_is_obeyed(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(503, headers={"Retry-After": "7"}), Answer(200, []))
    time = Time()
    client(server, time).list_jobs()
    assert time.slept == [7.0]


def test_a_retry_after_beyond_patience_is_told_and_not_slept(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(503, {"error": "Down until noon."}, headers={"Retry-After": "3600"}))
    time = Time()
    with pytest.raises(prominence.Unavailable, match="Down until noon") as caught:
        client(server, time).list_jobs()
    assert caught.value.retry_after == 3600
    assert time.slept == []


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("0", 0),
        (" 12 ", 12),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40),
        ("Thu, 01 Jan 1970 00:01:40 -0000", 40),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, expected: float | None) -> None:
    assert seconds_until(header, now=60.0) == expected


def test_a_service_which_does_not_answer_is_left_after_the_timeout(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(stall=True))
    with pytest.raises(prominence.Unreachable, match=r"no answer within 0\.1 s"):
        client(server, timeout=0.1, backoff=prominence.Backoff(attempts=2)).list_jobs()
    assert len(server.requests) == 2


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    time = Time()
    with pytest.raises(prominence.Unreachable, match="Connection refused"):
        prominence.Client(f"http://127.0.0.1:{port}", "t0ken", sleep=time.sleep).list_jobs()
    assert len(time.slept) == 3


def test_a_connection_that_breaks_is_unreachable(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(drop=True))
    with pytest.raises(prominence.Unreachable, match="connection was lost"):
        client(server).list_jobs()


def test_a_certificate_problem_is_told_at_once(server: ScriptedServer) -> None:
    time = Time()
    url = server.origin.replace("http://", "https://")
    with pytest.raises(prominence.Unreachable, match=r"certificate|TLS"):
        prominence.Client(url, "t0ken", sleep=time.sleep).list_jobs()
    assert time.slept == []


def test_redirects_are_not_followed(server: ScriptedServer) -> None:
    server.on("POST /jobs", Answer(301, headers={"Location": "https://elsewhere.example.org/"}))
    with pytest.raises(prominence.UnexpectedAnswer, match=r"https://elsewhere\.example\.org/.*PROMINENCE_URL"):
        client(server).create_job(DESCRIPTION)
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<html>", {}, {"id": "7"}, [7], b"[" * 100_000])
def test_an_answer_of_another_shape_is_no_answer(server: ScriptedServer, body: Any) -> None:
    server.on("POST /jobs", Answer(201, body))
    server.on("GET /jobs", Answer(200, body))
    with pytest.raises(prominence.UnexpectedAnswer):
        client(server).create_job(DESCRIPTION)
    with pytest.raises(prominence.UnexpectedAnswer):
        client(server).list_jobs()


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://x.example.org", "https://x.example.org/prominence/v1"),
        ("https://x.example.org/", "https://x.example.org/prominence/v1"),
        (" https://x.example.org/prominence/v1 ", "https://x.example.org/prominence/v1"),
        ("http://127.0.0.1:8080/prominence/v1/", "http://127.0.0.1:8080/prominence/v1"),
        ("http://[::1]:8080", "http://[::1]:8080/prominence/v1"),
        ("https://x.example.org/below", "https://x.example.org/below/prominence/v1"),
    ],
)
def test_the_services_address_is_taken_with_and_without_the_path(given: str, used: str) -> None:
    assert service_url(given) == used


@pytest.mark.parametrize(
    "given", ["", "x", "127.0.0.1:80", "ftp://x", "http://", "http://[::1", "http://x:y", "http://x?a=b"]
)
def test_what_is_no_address_is_refused_before_anything_is_sent(given: str) -> None:
    with pytest.raises(prominence.InvalidInput, match="PROMINENCE_URL"):
        service_url(given)


@pytest.mark.parametrize("token", ["", "  ", "a b", "a\nb", "tökén"])
def test_what_can_be_no_token_is_refused_before_anything_is_sent(token: str) -> None:
    with pytest.raises(prominence.NotAuthenticated, match="PROMINENCE_TOKEN"):
        prominence.Client("https://x.example.org", token)


def test_the_newline_of_a_token_file_does_no_harm(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(200, []))
    prominence.Client(server.url, "t0ken\n").list_jobs()
    assert server.requests[0].headers["Authorization"] == "Bearer t0ken"
