"""The commands: what each asks, prints and exits with."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import prominence
import pytest

from tests.unit.client.scripted_server import Answer, Request, ScriptedServer, ended, job

if TYPE_CHECKING:
    from tests.unit.client.conftest import Shell

DESCRIPTION = {"resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "busybox"}]}


def test_run_creates_a_job_and_names_its_id(server: ScriptedServer, shell: Shell) -> None:
    server.on("POST /jobs", Answer(201, {"id": 42}))
    result = shell("run", "busybox", "echo", "a b")
    assert (result.code, result.out, result.err) == (0, "Job created with id 42\n", "")
    assert json.loads(server.requests[0].body) == {
        "resources": {"nodes": 1, "cpus": 1, "memory": 1},
        "tasks": [{"image": "busybox", "cmd": "echo 'a b'"}],
    }


def test_run_puts_every_option_into_the_description(server: ScriptedServer, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("hello")
    server.on("POST /jobs", Answer(201, {"id": 42}))
    options = (
        "--name n --cpus 4 --memory 2.5 --disk 20 --walltime 2h --nodes 2 --env A=1 --env B=x=y --label k=v"
        f" --workdir /w --runtime udocker --retries 3 --input {tmp_path}/in.txt"
    )
    assert shell("run", *options.split(), "python:3.12", "python", "--version").code == 0
    assert json.loads(server.requests[0].body) == {
        "name": "n",
        "labels": {"k": "v"},
        "resources": {"nodes": 2, "cpus": 4, "memory": 2.5, "disk": 20, "walltime": 120},
        "tasks": [
            {
                "image": "python:3.12",
                "cmd": "python --version",
                "runtime": "udocker",
                "workdir": "/w",
                "env": {"A": "1", "B": "x=y"},
            }
        ],
        "inputs": [{"filename": "in.txt", "content": base64.b64encode(b"hello").decode()}],
        "policies": {"maximumRetries": 3},
    }


@pytest.mark.parametrize(
    ("argv", "cmd"),
    [
        (["img", "ls", "-la", "--wait"], "ls -la --wait"),
        (["img", "--", "ls", "--", "x"], "ls -- x"),
        (["--", "img", "ls"], "ls"),
        (["img", "--name", "x"], "--name x"),
        (["img", "echo hello"], "echo hello"),
        (["img"], None),
    ],
)
def test_all_that_follows_the_image_is_the_command(shell: Shell, argv: list[str], cmd: str | None) -> None:
    task = json.loads(shell("run", "--dry-run", *argv).out)["tasks"][0]
    assert task["image"] == "img"
    assert task.get("cmd") == cmd


def test_a_dry_run_needs_no_service(server: ScriptedServer, shell: Shell) -> None:
    shell.environ = {}
    result = shell("run", "--dry-run", "busybox")
    assert result.code == 0
    assert json.loads(result.out)["tasks"] == [{"image": "busybox"}]
    assert server.requests == []


def test_quiet_prints_the_id_alone(server: ScriptedServer, shell: Shell) -> None:
    server.on("POST /jobs", Answer(201, {"id": 42}))
    assert shell("run", "-q", "busybox").out == "42\n"


def serve_output(server: ScriptedServer, stream: str, text: bytes, sizes: list[int]) -> None:
    """Let the output grow: at each request one more of the sizes is there; size 0 is refused as not there yet."""
    left = list(sizes)

    def answer(request: Request) -> Answer:
        if "follow" in request.query:
            return Answer(200, text)  # of a server that does not know the word
        size = left.pop(0) if len(left) > 1 else left[0]
        if size == 0:
            return Answer(400, {"error": "There is no such output yet."})
        return Answer(200, text[int(request.query["offset"]) : size])

    server.dynamic[f"GET /jobs/42/{stream}"] = answer


def test_run_and_wait_prints_the_output_once_as_it_grows(server: ScriptedServer, shell: Shell) -> None:
    text = "café\nbar\n".encode()
    server.on("POST /jobs", Answer(201, {"id": 42}))
    looks = [job(42, "idle"), job(42), job(42), ended(42)]
    server.on("GET /jobs/42", Answer(200, []), *[Answer(200, [look]) for look in looks])
    serve_output(server, "stdout", text, [0, 4, 6, len(text)])
    serve_output(server, "stderr", b"warning\n", [0, 0, 8])
    result = shell("run", "--wait", "busybox", "echo")
    assert result.code == 0
    assert result.stdout == text
    assert result.err == "prominence: Job created with id 42\nwarning\n"


@pytest.mark.parametrize(
    ("last", "code", "words"),
    [
        (ended(42, codes=(0, 7)), 7, "Job 42 completed"),
        (ended(42, "failed", statusReason="The image was not found"), 1, "Job 42 failed: The image was not found"),
        (ended(42, "killed", statusReason="walltime"), 1, "Job 42 killed: walltime"),
        (ended(42, "deleted"), 1, "Job 42 deleted"),
    ],
)
def test_run_and_wait_exits_as_the_job_did(
    server: ScriptedServer, shell: Shell, last: dict[str, object], code: int, words: str
) -> None:
    server.on("POST /jobs", Answer(201, {"id": 42}))
    server.on("GET /jobs/42", Answer(200, [last]))
    serve_output(server, "stdout", b"", [0])
    serve_output(server, "stderr", b"", [0])
    result = shell("run", "--wait", "busybox")
    assert result.code == code
    assert words in result.err


def test_run_quietly_and_wait_prints_the_id_alone(server: ScriptedServer, shell: Shell) -> None:
    server.on("POST /jobs", Answer(201, {"id": 42}))
    server.on("GET /jobs/42", Answer(200, [ended(42, codes=(5,))]))
    result = shell("run", "--wait", "--quiet", "busybox")
    assert (result.code, result.out, result.err) == (5, "42\n", "")


def test_create_sends_a_file_as_it_is(server: ScriptedServer, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(json.dumps(DESCRIPTION))
    server.on("POST /jobs", Answer(201, {"id": 42}))
    assert shell("create", str(tmp_path / "job.json")).out == "Job created with id 42\n"
    assert shell("create", "-q", "-", stdin=json.dumps(DESCRIPTION).encode()).out == "42\n"
    assert [json.loads(request.body) for request in server.requests] == [DESCRIPTION, DESCRIPTION]


def test_create_takes_what_a_dry_run_prints(server: ScriptedServer, shell: Shell) -> None:
    server.on("POST /jobs", Answer(201, {"id": 42}))
    printed = shell("run", "--dry-run", "--name", "x", "busybox", "ls").stdout
    assert shell("create", "-", stdin=printed).code == 0
    assert json.loads(server.requests[0].body) == json.loads(printed)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "line 1, column 2"),
        (b'{"a": 1,\n "b"}', "line 2"),
        (b"3", "JSON object"),
        (b"", "line 1, column 1"),
        (b"hello", "line 1, column 1"),
        (b"\xff\xfe\xfa", "neither JSON nor YAML"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": NaN}', "JSON"),
    ],
)
def test_a_file_that_describes_no_job_is_wrong_usage(
    server: ScriptedServer, shell: Shell, content: bytes, words: str
) -> None:
    result = shell("create", "-", stdin=content)
    assert result.code == 2
    assert words in result.err
    assert server.requests == []


def test_a_file_that_is_not_there_is_wrong_usage(shell: Shell) -> None:
    result = shell("create", "/nowhere/job.json")
    assert (result.code, result.err) == (2, "prominence: Cannot read /nowhere/job.json: No such file or directory.\n")


@pytest.mark.parametrize(
    ("argv", "query"),
    [
        ([], {}),
        (["--completed"], {"completed": "true", "num": "20"}),
        (["--completed", "--num", "3"], {"completed": "true", "num": "3"}),
        (["--num", "3"], {"completed": "true", "num": "3"}),
        (["--all"], {"all": "true"}),
        (["--status", "idle", "--name", "my job"], {"status": "idle", "name": "my job"}),
        (["--label", "a=b"], {"constraint": "a=b"}),
    ],
)
def test_list_asks_for_what_the_options_say(
    server: ScriptedServer, shell: Shell, argv: list[str], query: dict[str, str]
) -> None:
    server.on("GET /jobs", Answer(200, []))
    assert shell("list", *argv).code == 0
    assert server.requests[0].query == query


def test_list_prints_a_table_that_fits_the_terminal(server: ScriptedServer, shell: Shell) -> None:
    wide = job(8, tasks=[{"image": "busybox", "cmd": "x" * 500}])
    server.on("GET /jobs", Answer(200, [job(), wide]))
    shell.environ["COLUMNS"] = "72"
    lines = shell("list").out.splitlines()
    assert lines[0].split() == ["ID", "NAME", "CREATED", "STATUS", "ELAPSED", "IMAGE", "CMD"]
    assert re.fullmatch(r" 7 .* running  00:01:00  busybox  echo hello", lines[1])
    assert [len(line) for line in lines[2:]] == [72]
    del shell.environ["COLUMNS"]
    assert "x" * 500 in shell("list").out


def test_json_is_what_the_service_answered(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /jobs", Answer(200, [job()]))
    server.on("GET /jobs/7", Answer(200, [job(new="field")]))
    assert json.loads(shell("list", "--json").out) == [job()]
    assert json.loads(shell("describe", "7", "--json").out) == job(new="field")


def test_describe_prints_an_outline(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /jobs/7", Answer(200, [ended(codes=(3,))]))
    result = shell("describe", "7")
    assert result.code == 0
    assert result.out.startswith('id: 7\nname: ""\nstatus: completed\n')
    assert "  tasks:\n    - exitCode: 3\n" in result.out


@pytest.mark.parametrize("command", [["describe"], ["wait"], ["stdout", "--follow"]])
def test_an_unknown_job_is_a_sentence_and_exit_code_1(server: ScriptedServer, shell: Shell, command: list[str]) -> None:
    server.on("GET /jobs/9", Answer(200, []))
    result = shell(*command, "9")
    assert (result.code, result.out) == (1, "")
    assert result.err == "prominence: You have no job 9: `prominence list --all` shows those you have.\n"


def test_delete_names_the_jobs_it_ended(server: ScriptedServer, shell: Shell) -> None:
    server.on("DELETE /jobs", Answer(200, {}))
    result = shell("delete", "7", "8", "7")
    assert (result.code, result.out) == (0, "Job 7 deleted\nJob 8 deleted\n")
    assert server.requests[0].query == {"id": "7,8"}


@pytest.mark.parametrize("command", [["delete"], ["workflow", "delete"]])
def test_delete_tells_that_of_several_none_is_deleted_where_one_cannot_be(
    server: ScriptedServer, shell: Shell, command: list[str]
) -> None:
    said = "8 has already ended: there is nothing to delete."
    for address in ("jobs", "jobs/8", "workflows"):
        server.on(f"DELETE /{address}", Answer(400, {"error": said}))
    assert shell(*command, "8").err == f"prominence: {said}\n"
    result = shell(*command, "7", "8")
    assert (result.code, result.out) == (1, "")
    assert result.err == f"prominence: None of the 2 is deleted, as one of them cannot be:\nprominence: {said}\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_is_printed_byte_for_byte(server: ScriptedServer, shell: Shell, stream: str) -> None:
    server.on(f"GET /jobs/7/{stream}", Answer(200, b"\xff\x1b[1mx\n\n"))
    result = shell(stream, "7", "--node", "3")
    assert (result.code, result.stdout) == (0, b"\xff\x1b[1mx\n\n")
    assert server.requests[0].query["node"] == "3"


def test_following_prints_all_and_ends_with_the_job(server: ScriptedServer, shell: Shell) -> None:
    text = b"one\ntwo\nthree\n"
    server.on("GET /jobs/42", *[Answer(200, [job(42)])] * 3, Answer(200, [ended(42, codes=(1,))]))
    # After the last look, in several pieces.
    serve_output(server, "stderr", text, [4, 4, 8, 10, len(text)])
    result = shell("stderr", "42", "-f")
    assert (result.code, result.stdout, result.stderr) == (0, text, b"")
    streamed, *asked = server.asked_for("GET /jobs/42/stderr")
    assert "follow" in streamed.query  # this server cannot do that, and is asked by offset
    assert [int(request.query["offset"]) for request in asked] == [0, 4, 4, 8, 10, len(text)]


def test_following_goes_on_over_an_outage(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /jobs/42", *[Answer(200, [job(42)])] * 2, Answer(200, [ended(42)]))
    server.on("GET /jobs/42/stdout", *[Answer(503)] * 4, Answer(200, b"text"), Answer(200, b""))
    result = shell("stdout", "42", "--follow")
    assert (result.code, result.stdout) == (0, b"text")


def test_following_an_output_that_never_came_is_refused_in_the_end(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /jobs/42", Answer(200, [job(42)]), Answer(200, [ended(42, "failed")]))
    serve_output(server, "stdout", b"", [0])
    result = shell("stdout", "42", "--follow")
    assert (result.code, result.err) == (1, "prominence: There is no such output yet.\n")


def test_wait_says_how_the_job_ended_and_exits_like_it(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /jobs/7", Answer(200, [job()]), Answer(200, [ended(codes=(0, 4))]))
    result = shell("wait", "7")
    assert (result.code, result.out, result.err) == (4, "Job 7 completed\n", "")


def test_wait_gives_up_at_its_timeout(server: ScriptedServer, shell: Shell) -> None:
    server.on("GET /jobs/7", Answer(200, [job()]))
    result = shell("wait", "7", "--timeout", "3")
    assert (result.code, result.out) == (124, "")
    assert "Job 7 has not ended after 3 s" in result.err
    assert sum(shell.time.slept) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Answer(400, {"error": "Invalid constraint"}), 1, "Invalid constraint"),
        (Answer(403, {"error": "Not yours."}), 1, "Not yours."),
        (Answer(404), 1, "PROMINENCE_URL"),
        (Answer(500), 1, "HTTP 500"),
        (Answer(401, {"error": "The token has expired."}), 3, "The token has expired."),
        (Answer(503), 4, "not available"),
        (Answer(drop=True), 4, "Cannot reach"),
        (Answer(400, {"error": "one\ntwo\x1b[2J"}), 1, r"one\ntwo\x1b[2J"),
    ],
)
def test_every_failure_is_one_sentence_and_its_exit_code(
    server: ScriptedServer, shell: Shell, answer: Answer, code: int, words: str
) -> None:
    server.on("GET /jobs", answer)
    result = shell("list")
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("prominence: ")
    assert result.err.count("\n") == 1
    assert words in result.err


@pytest.mark.parametrize(
    ("missing", "code"),
    [("PROMINENCE_URL", 2), ("PROMINENCE_TOKEN", 3)],
)
def test_an_environment_that_is_not_set_up_says_what_to_set(shell: Shell, missing: str, code: int) -> None:
    del shell.environ[missing]
    result = shell("list")
    assert result.code == code
    assert result.err.startswith(f"prominence: Set {missing} to ")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "COMMAND"),
        (["lst"], "'lst'"),
        (["run"], "IMAGE"),
        (["run", "--walltime", "2w", "img"], "--walltime"),
        (["run", "--cpus", "0", "img"], "--cpus"),
        (["run", "--wal", "5", "img"], "--wal"),
        (["run", "--env", "A", "img"], "name=value"),
        (["describe", "x"], "'x'"),
        (["delete"], "ID"),
        (["list", "--all", "--completed"], "--completed"),
        (["list", "--status", "done"], "'done'"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(
    server: ScriptedServer, shell: Shell, argv: list[str], words: str
) -> None:
    result = shell(*argv)
    assert (result.code, result.out) == (2, "")
    assert re.match(r"prominence: .*`prominence[a-z ]* --help` shows the usage\.\n\Z", result.err)
    assert words in result.err
    assert server.requests == []


def test_help_names_every_command_variable_and_exit_code(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        shell("--help")
    assert left.value.code == 0
    text = capsys.readouterr().out
    for word in ("run", "create", "list", "describe", "delete", "stdout", "stderr", "wait", "exit codes"):
        assert re.search(rf"^ *{word}\b", text, re.MULTILINE), word
    assert "PROMINENCE_URL" in text
    assert "PROMINENCE_TOKEN" in text


def test_version_is_printed(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        shell("--version")
    assert left.value.code == 0
    assert capsys.readouterr().out == f"prominence {prominence.__version__}\n"
