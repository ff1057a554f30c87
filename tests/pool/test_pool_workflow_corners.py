"""What becomes of a workflow and its jobs when its user or an operator does something else in the middle."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.pool.conftest import User
from tests.pool.families import describe, jobs_of, member, submit, wait

pytestmark = pytest.mark.timeout(240)

Users = Callable[..., User]
RERUN: dict[str, Any] = {"policies": {"maximumReruns": 1}}
LEFT: dict[str, Any] = {"policies": {"leaveInQueue": True}}


def test_a_deleted_instance_is_not_run_again_by_its_workflow(user: Users) -> None:
    alice = user()
    number = submit(alice, [member("slow", "sleep 600")], **RERUN)
    slow = number * 10**6
    alice.wait(slow, "running")
    assert alice.call("DELETE", f"/jobs/{slow}").json() == {}
    shown = wait(alice, number, seconds=60)
    assert (shown["status"], shown["statusReason"]) == ("failed", "Job slow failed: it was deleted.")
    assert alice.describe(slow)["status"] == "deleted"


def test_an_instance_that_is_run_again_is_listed_once(user: Users) -> None:
    alice = user()
    number = submit(alice, [member("first", "false"), member("other", "sleep 3")], **RERUN)
    seen = set()
    while describe(alice, number)["status"] not in ("failed", "completed"):
        listed = [shown["id"] for shown in alice.call("GET", "/jobs?all").json()]
        assert len(listed) == len(set(listed)), listed
        seen |= set(listed)
    assert number * 10**6 in seen


def test_a_workflow_that_failed_and_was_left_in_the_queue_has_failed_when_it_is_taken_out(user: Users) -> None:
    alice = user()
    number = submit(alice, [member("bad", "false", **LEFT), member("good", **LEFT)], **LEFT)
    before = wait(alice, number)
    assert (before["status"], before["statusReason"]) == ("failed", "Job bad failed: The task exited with code 1.")
    assert {shown["status"] for shown in jobs_of(alice, number).values()} == {"completed"}, "they had ended before"
    assert alice.call("PUT", f"/workflows/{number}/remove").status_code == 200
    after = describe(alice, number)
    assert [after[name] for name in ("status", "statusReason", "progress")] == [
        before[name] for name in ("status", "statusReason", "progress")
    ]


def test_the_clone_of_an_instance_has_its_parameters(user: Users) -> None:
    alice = user()
    told = member("told", "sh -c 'echo $word $PROMINENCE_PARAMETER_word'")
    factory = {"type": "zip", "jobs": ["told"], "parameters": [{"name": "word", "values": ["one", 'a "b"']}]}
    number = submit(alice, [told], factories=[factory])
    wait(alice, number)
    clone = alice.call("PUT", f"/jobs/{number * 10**6}/clone")
    assert clone.status_code == 201, clone.text
    assert alice.wait(clone.json()["id"])["status"] == "completed"
    assert alice.call("GET", f"/jobs/{clone.json()['id']}/stdout").text == "one one\n"


def test_a_job_that_needs_another_jobs_files_is_not_cloned_without_it(user: Users) -> None:
    alice = user()
    jobs = [
        member("one", "sh -c 'echo 1 > out'", outputFiles=["out"]),
        member("two", artifacts=[{"url": "job://one/out"}]),
    ]
    number = submit(alice, jobs)
    refused = alice.call("PUT", f"/jobs/{number * 10**6 + 1}/clone")
    assert refused.status_code == 400, refused.text
    assert "run the workflow again" in json.loads(refused.text)["error"]


def test_an_instance_has_the_same_id_wherever_a_rerun_shows_it(user: Users) -> None:
    alice = user()
    number = submit(alice, [member("good"), member("bad", "false")])
    for _ in range(2):
        wait(alice, number)
        number = alice.call("PUT", f"/workflows/{number}").json()["id"]
    wait(alice, number)
    assert {name: shown["id"] for name, shown in jobs_of(alice, number).items()} == {
        "good": number * 10**6,
        "bad": number * 10**6 + 1,
    }
    assert alice.describe(number * 10**6)["id"] == number * 10**6
