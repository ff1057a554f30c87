"""The library's calls: what they ask the service for, and what they give back."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import prominence
import pytest
from prominence.jobs import exit_code
from prominence.watching import PATIENCE

from tests.unit.client.scripted_server import Answer, ScriptedServer, Time, ended, job


@pytest.fixture
def client(server: ScriptedServer) -> prominence.Client:
    return prominence.Client(server.url, "t0ken", sleep=Time().sleep)


def test_the_client_has_the_products_version() -> None:
    versions = tomllib.loads((Path(__file__).parents[3] / "versions.toml").read_text())
    assert prominence.__version__ == versions["product"]["version"]


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({}, {}),
        ({"completed": True, "num": 5}, {"completed": "true", "num": "5"}),
        ({"all": True, "detail": True}, {"all": "true", "detail": "true"}),
        ({"status": "idle", "name": "my job"}, {"status": "idle", "name": "my job"}),
        ({"constraint": "a=b/c", "ids": [1, 2]}, {"constraint": "a=b/c", "id": "1,2"}),
    ],
)
def test_a_list_is_asked_for_in_the_services_words(
    server: ScriptedServer, client: prominence.Client, arguments: dict[str, Any], query: dict[str, str]
) -> None:
    server.on("GET /jobs", Answer(200, [job()]))
    assert client.list_jobs(**arguments) == [job()]
    assert server.requests[0].query == query


def test_an_unknown_job_is_no_such_job(server: ScriptedServer, client: prominence.Client) -> None:
    server.on("GET /jobs/9", Answer(200, []))
    with pytest.raises(prominence.NoSuchJob, match="no job 9") as caught:
        client.describe_job(9)
    assert caught.value.job_id == 9


def test_one_deletion_names_its_job_and_several_go_in_one_request(
    server: ScriptedServer, client: prominence.Client
) -> None:
    server.on("DELETE /jobs/7", Answer(200, {}))
    server.on("DELETE /jobs", Answer(200, {}))
    client.delete_jobs([7])
    client.delete_jobs([8, 9])
    client.delete_jobs([])
    assert [(request.path, request.query) for request in server.requests] == [
        ("/jobs/7", {}),
        ("/jobs", {"id": "8,9"}),
    ]


def test_output_comes_as_the_bytes_that_the_job_wrote(server: ScriptedServer, client: prominence.Client) -> None:
    server.on("GET /jobs/7/stdout", Answer(200, b"\xff\x00caf\xc3"))
    server.on("GET /jobs/7/stderr", Answer(200, b"e"))
    assert client.stdout(7) == b"\xff\x00caf\xc3"
    assert client.stderr(7, node=2, offset=10) == b"e"
    assert [request.query for request in server.requests] == [
        {"node": "0", "offset": "0"},
        {"node": "2", "offset": "10"},
    ]


def test_a_description_that_is_no_json_is_refused_before_anything_is_sent(
    server: ScriptedServer, client: prominence.Client
) -> None:
    for description in ({"a": float("nan")}, {"a": object()}):
        with pytest.raises(prominence.InvalidInput):
            client.create_job(description)
    assert server.requests == []


def test_waiting_gives_the_ended_job_and_looks_less_and_less_often(
    server: ScriptedServer, client: prominence.Client
) -> None:
    server.on("GET /jobs/7", *[Answer(200, [job()])] * 10, Answer(200, [ended()]))
    time = Time()
    assert client.wait(7, poll=2.0, clock=time.clock, sleep=time.sleep) == ended()
    assert time.slept == sorted(time.slept)
    assert time.slept[0] == 0.25
    assert time.slept[-1] == 2.0
    assert len(time.slept) == 10


def test_waiting_stops_at_its_timeout(server: ScriptedServer, client: prominence.Client) -> None:
    server.on("GET /jobs/7", Answer(200, [job()]))
    time = Time()
    with pytest.raises(prominence.StillActive) as caught:
        client.wait(7, timeout=12.0, clock=time.clock, sleep=time.sleep)
    assert sum(time.slept) == pytest.approx(12.0)
    assert (caught.value.job_id, caught.value.timeout) == (7, 12.0)


def test_waiting_for_a_job_that_never_was_ends_at_once(server: ScriptedServer, client: prominence.Client) -> None:
    server.on("GET /jobs/7", Answer(200, []))
    with pytest.raises(prominence.NoSuchJob):
        client.wait(7, sleep=Time().sleep)
    assert len(server.requests) == 1


def test_waiting_outlives_a_gap_and_an_outage(server: ScriptedServer, client: prominence.Client) -> None:
    there, gone, down = Answer(200, [job()]), Answer(200, []), Answer(503, headers={"Retry-After": "100"})
    server.on("GET /jobs/7", there, gone, gone, there, down, Answer(200, [ended()]))
    time = Time()
    assert client.wait(7, clock=time.clock, sleep=time.sleep)["status"] == "completed"
    assert max(time.slept) == 100


def test_waiting_gives_up_on_a_job_that_stays_away(server: ScriptedServer, client: prominence.Client) -> None:
    server.on("GET /jobs/7", Answer(200, [job()]), Answer(200, []))
    time = Time()
    with pytest.raises(prominence.NoSuchJob):
        client.wait(7, clock=time.clock, sleep=time.sleep)
    assert PATIENCE < sum(time.slept) < PATIENCE + 20


def test_a_job_just_created_is_waited_for_before_it_can_be_seen(
    server: ScriptedServer, client: prominence.Client
) -> None:
    server.on("GET /jobs/7", Answer(200, []), Answer(200, [ended()]))
    time = Time()
    looks = list(client.watch(7, created=True, clock=time.clock, sleep=time.sleep))
    assert looks == [ended()]


SIDECAR: dict[str, Any] = {
    "tasks": [{"type": "sidecar"}, {}],
    "execution": {"tasks": [{"exitCode": 143}, {"exitCode": 0}]},
}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (ended(codes=(0, 0)), 0),
        (ended(codes=(0, 3, 4)), 3),
        (ended(codes=(-9,)), 137),
        (ended(codes=(256,)), 1),
        (ended(codes=(None,)), 1),
        (ended(status="failed", codes=(0,)), 1),
        (ended(status="killed", codes=(137,)), 1),
        (ended(status="deleted", codes=()), 1),
        (job(status="completed"), 0),
        (job(status="completed", execution=None), 0),
        (job(status="completed", **SIDECAR), 0),
    ],
)
def test_a_shell_sees_the_first_failing_task(document: dict[str, Any], expected: int) -> None:
    assert exit_code(document) == expected


def test_a_client_is_made_of_the_environment(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(200, []))
    environ = {"PROMINENCE_URL": server.origin, "PROMINENCE_TOKEN": "t0ken"}
    client = prominence.Client.from_environment(environ, timeout=5.0)
    assert client.url == server.url
    assert client.list_jobs() == []
