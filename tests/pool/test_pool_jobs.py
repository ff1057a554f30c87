"""Jobs through the whole service: REST API, HTCondor, the executor, Apptainer, and back."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(180)


def test_a_jobs_output_comes_back(user: Callable[..., Any]) -> None:
    alice = user()
    number = alice.submit("sh -c 'echo out; echo err >&2; pwd; id -u'", name="a/b c", labels={"project": "x_1"})
    shown = alice.wait(number)
    assert shown["status"] == "completed"
    assert shown["name"] == "a/b c"
    assert shown["labels"] == {"project": "x_1"}
    assert shown["execution"]["site"] == "local"
    assert shown["execution"]["tasks"][0]["exitCode"] == 0
    assert alice.stdout(number).startswith("out\n/home/user\n")
    assert alice.call("GET", f"/jobs/{number}/stderr").text == "err\n"
    assert alice.call("GET", f"/jobs/{number}/stdout?offset=4").text.startswith("/home/user")


def test_tasks_inputs_environment_and_exit_codes(user: Callable[..., Any]) -> None:
    alice = user()
    document = {
        "resources": {"cpus": 1, "memory": 0.5, "disk": 1, "walltime": 5},
        "inputs": [{"filename": "data/in.txt", "content": base64.b64encode(b"payload").decode()}],
        "policies": {"ignoreTaskFailures": True},
        "tasks": [
            {"image": "/images/busybox", "cmd": "cat data/in.txt"},
            {"image": "/images/busybox", "cmd": "sh -c 'exit 7'"},
            {"image": "/images/busybox", "cmd": "env", "env": {"TEXT": 'a,"b"\n$(x) é'}},
        ],
    }
    answer = alice.call("POST", "/jobs", json=document)
    assert answer.status_code == 201, answer.text
    shown = alice.wait(answer.json()["id"])
    assert shown["status"] == "completed"
    assert [task["exitCode"] for task in shown["execution"]["tasks"]] == [0, 7, 0]
    assert "content" not in shown["inputs"][0]
    text = alice.stdout(shown["id"])
    assert text.startswith("payload")
    assert 'TEXT=a,"b"\n$(x) é\n' in text
    assert f"PROMINENCE_JOB_ID={shown['id']}\n" in text
    assert "PROMINENCE_CPUS=1\n" in text
    assert "_CONDOR" not in text


def test_an_image_that_is_not_there_fails_with_a_sentence(user: Callable[..., Any]) -> None:
    alice = user()
    document = {"resources": {"cpus": 1, "memory": 0.25, "disk": 1}, "tasks": [{"image": "/images/absent"}]}
    shown = alice.wait(alice.call("POST", "/jobs", json=document).json()["id"])
    assert shown["status"] == "failed"
    assert "/images/absent" in shown["statusReason"]


def test_a_deleted_job_is_deleted_and_its_processes_end(user: Callable[..., Any]) -> None:
    alice = user()
    number = alice.submit("sleep 3600")
    alice.wait(number, "running")
    assert alice.call("GET", "/jobs?status=running").json()[0]["id"] == number
    assert alice.call("DELETE", f"/jobs/{number}").json() == {}
    assert alice.wait(number, "deleted")["events"]["endTime"] > 0
    assert alice.call("DELETE", f"/jobs/{number}").status_code == 200
    assert alice.call("DELETE", "/jobs/2000000000").status_code == 400


def test_a_job_over_its_walltime_is_killed(user: Callable[..., Any]) -> None:
    alice = user()
    number = alice.submit("sleep 600", resources={"cpus": 1, "memory": 0.25, "disk": 1, "walltime": 1})
    shown = alice.wait(number, seconds=120)
    assert (shown["status"], shown["statusReason"]) == ("killed", "It ran longer than its walltime.")


def test_one_user_does_not_see_anothers_jobs(user: Callable[..., Any]) -> None:
    alice, bob = user("alice"), user("bob@example.org", groups=("astro",))
    number = alice.submit("echo secret")
    assert bob.call("GET", f"/jobs/{number}").json() == []
    assert bob.call("GET", f"/jobs/{number}/stdout").status_code == 403
    assert bob.call("DELETE", f"/jobs/{number}").status_code == 403
    assert number not in [job["id"] for job in bob.call("GET", "/jobs?all").json()]
    alice.wait(number)


def test_finished_jobs_are_listed_newest_first_and_by_label(user: Callable[..., Any]) -> None:
    carol = user("carol")
    numbers = [carol.submit("true", labels={"run": str(i)}, name=f"job{i}") for i in range(3)]
    for number in numbers:
        carol.wait(number)
    newest = carol.call("GET", "/jobs?completed=true&num=2").json()
    assert len(newest) == 2
    assert {job["id"] for job in newest} <= set(numbers)
    assert [job["id"] for job in carol.call("GET", "/jobs?all&constraint=run=1").json()] == [numbers[1]]
    assert [job["id"] for job in carol.call("GET", "/jobs?all&name=job2").json()] == [numbers[2]]
    assert carol.call("GET", "/jobs").json() == []


def test_the_same_idempotency_key_gives_the_same_job(user: Callable[..., Any]) -> None:
    alice = user()
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    document = {
        "resources": {"cpus": 1, "memory": 0.25, "disk": 1},
        "tasks": [{"image": "/images/busybox", "cmd": "true"}],
    }
    first, second = (alice.call("POST", "/jobs", json=document, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    other = document | {"name": "other"}
    assert alice.call("POST", "/jobs", json=other, headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", ""),
        (b"[]", ""),
        (b'{"tasks": [{"image": "x"}]}', "resources"),
        (b'{"resources": {"cpus": "1", "memory": 1}, "tasks": [{"image": "x"}]}', "resources.cpus"),
        (b'{"nonsense": 1}', "nonsense"),
        (b'{"name": "a\\"b$(x)\\n", "resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "x"}]}', "name"),
        (b'{"resources": {"cpus": 1, "memory": 1, "nodes": 2}, "tasks": [{"image": "x"}]}', "resources.nodes"),
    ],
)
def test_a_bad_document_is_refused_by_field(user: Callable[..., Any], body: bytes, field: str) -> None:
    answer = user().call("POST", "/jobs", data=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert answer.json().get("field", "") == field


def test_a_body_of_five_megabytes_is_refused(user: Callable[..., Any]) -> None:
    answer = user().call("POST", "/jobs", data=b" " * 5 * 2**20)
    assert answer.status_code == 400
    assert "4 MB" in answer.json()["error"]


def test_no_token_or_a_bad_one_is_401(user: Callable[..., Any]) -> None:
    alice = user()
    for header in (None, "Bearer x", "Basic eDp5"):
        alice.session.headers["Authorization"] = header or ""
        answer = alice.call("GET", "/jobs")
        assert answer.status_code == 401
        assert answer.json()["error"]
    assert alice.call("GET", "/health").status_code == 204
    assert alice.call("GET", "/nothing").status_code == 404
