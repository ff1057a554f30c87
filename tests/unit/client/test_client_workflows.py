"""Workflows: what the library and the commands behind `prominence workflow` ask, print and exit with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import prominence
import pytest
from prominence.descriptions import read_description
from prominence.workflows import Workflows

from tests.unit.client.scripted_server import Answer, ScriptedServer, Time, ended, job

if TYPE_CHECKING:
    from tests.unit.client.conftest import Shell

JOB = {"name": "a", "resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "busybox"}]}
WORKFLOW = {"name": "flow", "jobs": [JOB]}
YAML = b"# steps\njobs:\n- name: a\n  tasks: [{image: busybox}]\n"


def workflow(status: str = "running", **fields: Any) -> dict[str, Any]:
    progress = {"total": 10, "done": 3, "failed": 1, "queued": 2, "waiting": 4}
    events = {"createTime": 1_799_996_400}
    return {"id": 1042, "name": "flow", "status": status, "progress": progress, "events": events, **fields}


def node(name: str, number: int, instances: int = 1, factory: bool = False, **states: int) -> dict[str, Any]:
    every = dict.fromkeys(("waiting", "queued", "running", "done", "failed"), 0) | states
    state = next(iter(states), "waiting")
    return {"name": name, "id": number, "instances": instances, "factory": factory, "state": state, "states": every}


GRAPH = {
    "id": 1042,
    "name": "flow",
    "status": "running",
    "nodes": [
        node("a", 1042_000_000, 5, True, running=2, done=3),
        node("a/1", 1042_000_005, waiting=1),
        node("..", 1042_000_006, waiting=1),
    ],
    "edges": [{"from": "a", "to": "a/1"}, {"from": "a", "to": ".."}, {"from": "a/1", "to": ".."}],
}


@pytest.fixture
def workflows(server: ScriptedServer) -> Workflows:
    return prominence.Client(server.url, "t0ken", sleep=Time().sleep).workflows


@pytest.mark.parametrize("document", [WORKFLOW, [JOB, JOB]], ids=["workflow", "list"])
def test_create_takes_workflows_and_lists_of_jobs(server: ScriptedServer, shell: Shell, document: object) -> None:
    server.on("POST /workflows", Answer(201, {"id": 1042}))
    result = shell("create", "-", stdin=json.dumps(document).encode())
    assert (result.code, result.out, result.err) == (0, "Workflow created with id 1042\n", "")
    (request,) = server.requests
    assert json.loads(request.body) == document
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"]


@pytest.mark.parametrize(
    ("text", "path"), [(YAML, "/workflows"), (b"- name: a\n", "/workflows"), (b"tasks: []\nname: jobs\n", "/jobs")]
)
def test_yaml_is_sent_as_it_stands(
    server: ScriptedServer, shell: Shell, tmp_path: Path, text: bytes, path: str
) -> None:
    server.on(f"POST {path}", Answer(201, {"id": 7}))
    (tmp_path / "it.yaml").write_bytes(text)
    assert shell("create", "-q", str(tmp_path / "it.yaml")).out == "7\n"
    assert shell("create", "-q", "-", stdin=text).out == "7\n"
    assert [request.body for request in server.requests] == [text, text]
    assert {request.headers["Content-Type"] for request in server.requests} == {"application/yaml"}
    assert shell("create", "--dry-run", "-", stdin=text).stdout == text


@pytest.mark.parametrize(
    ("text", "is_workflow"),
    [
        ("jobs:\n- {}\n", True),
        ("'jobs' : []\n", True),
        ('name: x\n"jobs":\n- {}\n', True),
        ("%YAML 1.2\n--- # here\n\n  # words\n- tasks: []\n", True),
        ("[{tasks: []}]\n", True),
        ("{name: x, jobs: []}\n", True),
        ("  name: x\n  jobs: []\n", True),
        ("name: x\r\njobs: []\r\n", True),
        ("---\nname: x\ntasks:\n- image: x\n", False),
        ("name: x\nlabels:\n  jobs: y\n", False),
        ("name: 'jobs: x'\ntasks: []\n", False),
        ("# jobs:\ntasks: []\n", False),
    ],
)
def test_a_workflow_in_yaml_is_known_by_its_jobs(tmp_path: Path, text: str, is_workflow: bool) -> None:
    file = tmp_path / "it.yml"
    file.write_bytes(text.encode())
    with file.open("rb") as nothing:
        assert read_description(str(file), nothing).workflow is is_workflow


def test_a_json_file_with_a_mistake_is_not_taken_for_yaml(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "it.json").write_text('jobs: "x"')
    result = shell("create", str(tmp_path / "it.json"))
    assert result.code == 2
    assert "is not JSON: line 1, column 1" in result.err


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("killed", 1), ("deleted", 1)])
@pytest.mark.parametrize("argv", [("create", "--wait", "-"), ("workflow", "clone", "--wait", "7")])
def test_create_and_wait_exits_as_the_workflow_did(
    server: ScriptedServer, shell: Shell, argv: tuple[str, ...], status: str, code: int
) -> None:
    for route in ("POST /workflows", "PUT /workflows/7/clone"):
        server.on(route, Answer(201, {"id": 1042}))
    looks = [[], [workflow()], [workflow(status, statusReason="Job a failed.")]]
    server.on("GET /workflows/1042", *(Answer(200, look) for look in looks))
    result = shell(*argv, stdin=json.dumps(WORKFLOW).encode())
    assert (result.code, result.out) == (code, "")
    assert result.err == (
        f"prominence: Workflow created with id 1042\nprominence: Workflow 1042 {status}: Job a failed.\n"
    )


@pytest.mark.parametrize(
    ("argv", "query"),
    [
        ([], {}),
        (["--completed"], {"completed": "true", "num": "20"}),
        (["--num", "3"], {"completed": "true", "num": "3"}),
        (["--all", "--name", "my flow"], {"all": "true", "name": "my flow"}),
        (["--status", "running", "--label", "a=b"], {"status": "running", "constraint": "a=b"}),
    ],
)
def test_lists_are_asked_for_in_the_services_words(
    server: ScriptedServer, shell: Shell, argv: list[str], query: dict[str, str]
) -> None:
    server.on("GET /workflows", Answer(200, [workflow()]))
    assert shell("workflow", "list", *argv).code == 0
    assert server.requests[0].query == query


def test_a_list_shows_how_far_workflows_are(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /workflows", Answer(200, [workflow()]))
    header, row = shell("workflow", "list").out.splitlines()
    assert header.split() == ["ID", "NAME", "CREATED", "STATUS", "ELAPSED", "DONE", "FAILED", "QUEUED", "WAITING"]
    assert row.split()[0:2] + row.split()[4:] == ["1042", "flow", "running", "01:00:00", "3/10", "1", "2", "4"]
    assert json.loads(shell("workflow", "list", "--json").out) == [workflow()]


def test_the_jobs_of_a_workflow_are_a_list_of_jobs(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /jobs", Answer(200, [job(1042_000_005, name="flow/a/1")]))
    result = shell("list", "--workflow", "1042", "--all")
    assert "1042000005  flow/a/1" in result.out
    assert server.requests[0].query == {"workflow": "true", "id": "1042", "all": "true"}


def test_the_jobs_of_a_workflow_cannot_be_chosen_by_name(server: ScriptedServer, shell: Shell) -> None:
    result = shell("list", "--workflow", "1042", "--name", "a")
    assert result.code == 2
    assert "leave these out" in result.err
    assert server.requests == []


def test_a_workflow_is_described(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /workflows/1042", Answer(200, [workflow(dependencies={"a": ["b"]})]))
    text = shell("workflow", "describe", "1042").out
    assert "status: running\nprogress:\n  total: 10\n" in text
    assert json.loads(shell("workflow", "describe", "--json", "1042").out)["dependencies"] == {"a": ["b"]}


@pytest.mark.parametrize("command", [("describe",), ("wait", "--timeout", "1")])
def test_a_workflow_that_is_not_there_is_said_so(
    server: ScriptedServer, shell: Shell, command: tuple[str, ...]
) -> None:
    server.on("GET /workflows/9", Answer(200, []))
    result = shell("workflow", *command, "9")
    assert result.code == 1
    assert result.err == "prominence: You have no workflow 9: `prominence workflow list --all` shows those you have.\n"


def test_a_graph_is_a_table_of_jobs(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /workflows/1042/graph", Answer(200, GRAPH))
    header, *rows = (line.split() for line in shell("workflow", "graph", "1042").out.splitlines())
    assert header == ["JOB", "STATE", "INSTANCES", "WAITING", "QUEUED", "RUNNING", "DONE", "FAILED", "AFTER"]
    assert rows == [
        ["a", "running", "5", "0", "0", "2", "3", "0"],
        ["a/1", "waiting", "1", "1", "0", "0", "0", "0", "a"],
        ["..", "waiting", "1", "1", "0", "0", "0", "0", "a,", "a/1"],
    ]


def test_a_drawing_is_printed_byte_for_byte(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /workflows/1042/graph", Answer(200, b"<svg>\xc3\xa9</svg>"))
    assert shell("workflow", "graph", "--format", "svg", "1042").stdout == b"<svg>\xc3\xa9</svg>"
    (request,) = server.requests
    assert request.query == {"format": "svg"}
    assert request.headers["Accept"].startswith("image/svg+xml")


@pytest.mark.parametrize(
    ("names", "number"), [(("a", "4"), 1042_000_004), (("a/1",), 1042_000_005), (("..",), 1042_000_006)]
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_is_found_by_the_name_of_the_job(
    server: ScriptedServer, shell: Shell, names: tuple[str, ...], number: int, stream: str
) -> None:
    server.on("GET /workflows/1042/graph", Answer(200, GRAPH))
    server.on(f"GET /jobs/{number}/{stream}", Answer(200, b"\xffhello"))
    result = shell("workflow", stream, "1042", *names)
    assert (result.code, result.stdout, result.err) == (0, b"\xffhello", "")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("b",), "has no job 'b'"),
        (("a",), "from 0 to 4"),
        (("a", "5"), "from 0 to 4"),
        (("a/1", "0"), "leave the instance out"),
    ],
)
def test_a_job_that_is_not_there_is_refused_with_what_there_is(
    server: ScriptedServer, shell: Shell, names: tuple[str, ...], words: str
) -> None:
    server.on("GET /workflows/1042/graph", Answer(200, GRAPH))
    result = shell("workflow", "stdout", "1042", *names)
    assert result.code == 1
    assert words in result.err
    assert len(server.requests) == 1


def test_output_of_a_workflows_job_can_be_followed(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /workflows/1042/graph", Answer(200, GRAPH))
    events = b'event: bytes\ndata: "aGk="\n\nevent: end\ndata: {"status": "completed"}\n\n'
    server.on("GET /jobs/1042000005/stdout", Answer(200, events, {"Content-Type": "text/event-stream"}))
    assert shell("workflow", "stdout", "-f", "1042", "a/1").stdout == b"hi"


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1)])
def test_wait_says_how_the_workflow_ended(server: ScriptedServer, shell: Shell, status: str, code: int) -> None:
    server.on("GET /workflows/1042", Answer(200, [workflow()]), Answer(503), Answer(200, [workflow(status)]))
    result = shell("workflow", "wait", "1042")
    assert (result.code, result.out, result.err) == (code, f"Workflow 1042 {status}\n", "")


def test_wait_gives_up_at_its_timeout(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /workflows/1042", Answer(200, [workflow()]))
    result = shell("workflow", "wait", "1042", "--timeout", "3")
    assert (result.code, result.out) == (124, "")
    assert result.err == (
        "prominence: Workflow 1042 has not ended after 3 s: `prominence workflow wait 1042` waits on.\n"
    )
    assert sum(shell.time.slept) == pytest.approx(3.0)


@pytest.mark.parametrize(("command", "route"), [("rerun", "/workflows/1042"), ("clone", "/workflows/1042/clone")])
def test_a_workflow_made_of_another_is_made_once_over_retries(
    server: ScriptedServer, shell: Shell, command: str, route: str
) -> None:
    server.on(f"PUT {route}", Answer(503), Answer(201, {"id": 1043}))
    assert shell("workflow", command, "-q", "1042").out == "1043\n"
    keys = {request.headers["Idempotency-Key"] for request in server.requests}
    assert (len(server.requests), len(keys)) == (2, 1)


def test_delete_names_the_workflows_it_ended(server: ScriptedServer, shell: Shell) -> None:
    server.on("DELETE /workflows", Answer(200, {}))
    result = shell("workflow", "delete", "7", "8", "7")
    assert (result.code, result.out) == (0, "Workflow 7 deleted\nWorkflow 8 deleted\n")
    assert server.requests[0].query == {"id": "7,8"}


@pytest.mark.parametrize("argv", [(), ("lst",), ("describe",), ("graph", "--format", "pdf", "7"), ("stdout", "7")])
def test_wrong_usage_is_a_sentence_and_exit_code_2(server: ScriptedServer, shell: Shell, argv: tuple[str, ...]) -> None:
    result = shell("workflow", *argv)
    assert (result.code, result.out) == (2, "")
    assert "`prominence workflow" in result.err
    assert server.requests == []


@pytest.mark.parametrize("answer", [b"{}", b"[]", b'{"nodes": [{}], "edges": []}', b'{"nodes": [], "edges": [{}]}'])
def test_what_is_no_graph_is_an_unexpected_answer(server: ScriptedServer, workflows: Workflows, answer: bytes) -> None:
    server.on("GET /workflows/1042/graph", Answer(200, answer))
    with pytest.raises(prominence.UnexpectedAnswer):
        workflows.graph(1042)


def test_a_key_that_is_given_is_the_one_that_is_sent(server: ScriptedServer, workflows: Workflows) -> None:
    server.on("POST /workflows", Answer(201, {"id": 7}))
    assert workflows.create(WORKFLOW, "my-key") == 7
    assert server.requests[0].headers["Idempotency-Key"] == "my-key"


def test_deleting_nothing_asks_for_nothing(server: ScriptedServer, workflows: Workflows) -> None:
    workflows.delete([])
    assert server.requests == []


def test_jobs_still_wait_as_jobs(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /jobs/7", Answer(200, [ended(codes=(4,))]))
    assert shell("wait", "7").code == 4
