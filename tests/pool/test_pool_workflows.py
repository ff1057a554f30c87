"""Workflows through the whole service: REST API, DAGMan, HTCondor, the executor, and back."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.pool.conftest import User
from tests.pool.families import describe, jobs_of, member, submit, sweep, wait

pytestmark = pytest.mark.timeout(240)

Users = Callable[..., User]


def test_every_instance_of_a_sweep_has_its_parameters_its_id_and_its_output(user: Users) -> None:
    alice = user()
    print_all = "sh -c 'echo $x ${y} $PROMINENCE_PARAMETER_x $PROMINENCE_JOB_ID $PROMINENCE_WORKFLOW_ID'"
    number = submit(alice, [member("grid", print_all)], factories=[sweep("grid", x=(0, 0.2, 0.1), y=(1, 2, 1))])
    shown = wait(alice, number)
    assert shown["status"] == "completed", shown
    assert shown["progress"] == {"total": 6, "done": 6, "failed": 0, "queued": 0, "waiting": 0}
    found = jobs_of(alice, number)
    assert list(found) == [f"grid/{place}" for place in range(6)]
    assert found["grid/3"]["parameters"] == {"x": "0.1", "y": "2"}
    assert found["grid/3"]["id"] == number * 10**6 + 3
    expected = f"0.1 2 0.1 {number * 10**6 + 3} {number}\n"
    assert alice.stdout(found["grid/3"]["id"]) == expected
    assert alice.call("GET", f"/workflows/{number}/grid/3/stdout").text == expected
    assert alice.describe(found["grid/3"]["id"])["execution"]["tasks"][0]["exitCode"] == 0


def test_jobs_run_in_the_order_of_their_dependencies_whatever_their_names(user: Users) -> None:
    alice = user()
    names = ["a", "ab", "a_1", "a/0", "a b.c"]
    number = submit(
        alice,
        [member(name, f"echo {place}") for place, name in enumerate(names)],
        dependencies={"a": ["ab", "a_1"], "ab": ["a/0"], "a_1": ["a/0"], "a/0": ["a b.c"]},
        factories=[{"type": "repeat", "jobs": ["a"], "number": 2}],
    )
    assert wait(alice, number)["status"] == "completed"
    events = {name: shown["events"] for name, shown in jobs_of(alice, number).items()}
    for before, after in (("a/1", "ab"), ("ab", "a/0"), ("a_1", "a/0"), ("a/0", "a b.c")):
        assert events[before]["endTime"] <= events[after]["startTime"], (before, after, events)
    assert alice.call("GET", f"/workflows/{number}/a b.c/stdout").text == "4\n"
    # The job of that name, not instance 0 of the job a.
    assert alice.call("GET", f"/workflows/{number}/a/0/stdout").text == "3\n"
    assert alice.call("GET", f"/workflows/{number}/a/1/stdout").text == "0\n"
    assert alice.call("GET", f"/workflows/{number}/a/2/stdout").status_code == 400


def test_a_failed_job_is_named_and_only_what_did_not_end_well_runs_again(user: Users) -> None:
    alice = user()
    marker = f"again-{time.time_ns()}"
    fetch = f'wget -q -O- --header "Authorization: Bearer $PROMINENCE_TOKEN" $PROMINENCE_URL/kv/{marker}'
    check = f"sh -c '{fetch} | grep yes'"
    number = submit(
        alice,
        [member("good", "echo once"), member("bad one", check), member("last", "echo end")],
        dependencies={"good": ["bad one"], "bad one": ["last"]},
    )
    shown = wait(alice, number)
    assert shown["status"] == "failed"
    assert shown["statusReason"].startswith("Job bad one failed: ")
    assert shown["progress"] == {"total": 3, "done": 1, "failed": 1, "queued": 0, "waiting": 1}
    assert jobs_of(alice, number)["last"]["status"] == "failed"
    assert alice.call("POST", f"/kv/{marker}", data=b"yes").status_code == 201
    answer = alice.call("PUT", f"/workflows/{number}")
    assert answer.status_code == 201, answer.text
    again = answer.json()["id"]
    assert wait(alice, again)["status"] == "completed"
    before, after = jobs_of(alice, number), jobs_of(alice, again)
    assert after["good"]["events"] == before["good"]["events"], "it had ended well and was not run again"
    assert after["last"]["status"] == "completed"
    assert alice.call("GET", f"/workflows/{again}/good/stdout").text == "once\n"
    assert alice.call("PUT", f"/workflows/{again}").status_code == 400


def test_jobs_of_a_workflow_can_be_seen_before_they_are_in_the_queue(user: Users) -> None:
    alice = user()
    number = submit(alice, [member("first", "sleep 600"), member("second")], dependencies={"first": ["second"]})
    deadline = time.monotonic() + 60
    while jobs_of(alice, number, "")["first"]["status"] != "running":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    waiting = jobs_of(alice, number, "")["second"]
    assert waiting["status"] == "idle"
    assert alice.describe(waiting["id"])["name"] == "family/second"
    assert user("mallory").call("GET", f"/jobs/{waiting['id']}").json() == []
    assert user("mallory").call("GET", f"/jobs?workflow=true&id={number}&all").json() == []
    assert alice.call("DELETE", f"/workflows/{number}").json() == {}
    wait(alice, number, seconds=15)
    deadline = time.monotonic() + 15
    while any(shown["status"] != "deleted" for shown in jobs_of(alice, number).values()):
        assert time.monotonic() < deadline, jobs_of(alice, number)
        time.sleep(0.2)
    assert alice.call("DELETE", f"/workflows/{number}").json() == {}, "deleting twice is fine"


def test_workflows_are_seen_and_touched_by_their_user_alone(user: Users) -> None:
    alice, mallory = user(), user("mallory")
    number = submit(alice, [member("only", "sleep 600")], labels={"project": "x"})
    assert [shown["id"] for shown in alice.call("GET", "/workflows?constraint=project=x").json()] == [number]
    assert mallory.call("GET", f"/workflows/{number}").json() == []
    for method, path in (("DELETE", ""), ("PUT", ""), ("PUT", "/clone"), ("PUT", "/remove"), ("GET", "/only/stdout")):
        assert mallory.call(method, f"/workflows/{number}{path}").status_code == 403, (method, path)
        assert alice.call(method, f"/workflows/{number + 10**6}{path}").status_code == 400, (method, path)
    # A workflow is no job, and its DAGMan job is none of the user's.
    assert alice.call("GET", f"/jobs/{number}").json() == []
    assert number not in [shown["id"] for shown in alice.call("GET", "/jobs").json()]
    assert alice.call("PUT", f"/workflows/{number}").status_code == 400, "it has not ended"
    assert alice.call("DELETE", f"/workflows?id={number}").json() == {}
    wait(alice, number)


def test_a_retry_with_the_same_key_makes_one_workflow(user: Users) -> None:
    alice = user()
    document = {"name": "once", "jobs": [member("only")]}
    key = {"Idempotency-Key": f"w-{time.time_ns()}"}
    first, second = (alice.call("POST", "/workflows", json=document, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert wait(alice, first.json()["id"])["status"] == "completed"
    assert describe(alice, first.json()["id"])["jobs"][0]["name"] == "only"


def test_a_list_of_jobs_in_yaml_is_a_workflow(user: Users) -> None:
    alice = user()
    text = (
        "- resources: {cpus: 1, memory: 0.25, disk: 1}\n  tasks:\n  - {image: /images/busybox, cmd: echo from yaml}\n"
    )
    answer = alice.call("POST", "/workflows", data=text, headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 201, answer.text
    number = answer.json()["id"]
    assert wait(alice, number)["status"] == "completed"
    assert alice.call("GET", f"/workflows/{number}/job1/stdout").text == "from yaml\n"


def test_failed_instances_do_not_hurt_the_others_and_are_tried_again(user: Users) -> None:
    alice = user()
    odd = "sh -c 'test $(($i % 2)) = 0'"
    number = submit(alice, [member("odd", odd)], factories=[sweep("odd", i=(0, 5, 1))], policies={"maximumRetries": 1})
    shown = wait(alice, number)
    assert shown["status"] == "failed"
    assert shown["progress"]["done"] == 3
    assert shown["progress"]["failed"] == 3
    found = jobs_of(alice, number)
    assert [alice.describe(found[f"odd/{place}"]["id"])["execution"]["retries"] for place in range(6)] == [0, 1] * 3


def test_an_instance_is_deleted_before_its_turn_comes(user: Users) -> None:
    alice = user()
    jobs = [member("first", "sleep 4"), member("second", "echo ran"), member("other", "echo ran")]
    number = submit(alice, jobs, dependencies={"first": ["second", "other"]})
    second = jobs_of(alice, number, "")["second"]["id"]
    for _ in range(2):
        assert alice.call("DELETE", f"/jobs/{second}").json() == {}, "deleting twice is fine"
        assert alice.describe(second)["status"] == "deleted"
    shown = wait(alice, number)
    assert (shown["status"], shown["statusReason"]) == ("failed", "Job second failed: it was deleted.")
    assert (shown["progress"]["done"], shown["progress"]["failed"]) == (2, 1)
    assert alice.describe(second)["status"] == "deleted"
    assert "ran" not in alice.call("GET", f"/jobs/{second}/stdout").text


def test_a_name_may_begin_with_a_slash(user: Users) -> None:
    alice = user()
    number = submit(alice, [member("/x", "echo slash"), member("x", "echo plain")])
    assert wait(alice, number)["status"] == "completed"
    assert alice.call("GET", f"/workflows/{number}//x/stdout").text == "slash\n"
    assert alice.call("GET", f"/workflows/{number}/x/stdout").text == "plain\n"
