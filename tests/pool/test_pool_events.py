"""What real jobs' events tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from deploy.instance import Instance
from tests.pool.vacating import vacate
from tests.pool.workers import name_of, only

pytestmark = pytest.mark.timeout(180)


def events(somebody: Any, number: int) -> list[dict[str, Any]]:
    answer = somebody.call("GET", f"/jobs/{number}/events")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    assert [event["time"] for event in found] == sorted(event["time"] for event in found)
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in found]


def told(somebody: Any, number: int, name: str) -> list[str]:
    """The names of a job's events, once one of them is `name`."""
    deadline = time.monotonic() + 60
    while name not in (found := names(events(somebody, number))):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def test_a_job_of_two_tasks_tells_its_whole_story(user: Callable[..., Any], instance: Instance) -> None:
    alice, bob = user("alice"), user("bob@example.org")
    tasks = [{"image": "/images/busybox", "cmd": cmd} for cmd in ("true", "sh -c 'exit 3'")]
    number = alice.submit("true", tasks=tasks)
    alice.wait(number)
    found = events(alice, number)
    assert names(found) == [
        *("created", "deployed", "started"),
        *("imagePulled", "taskStarted", "taskEnded"),
        *("imagePulled", "taskStarted", "taskEnded"),
        *("outputReturned", "ended"),
    ]
    assert found[2]["host"] == name_of(only(instance))
    assert found[4]["site"] == "local"
    assert [event["exitCode"] for event in found if event["event"] == "taskEnded"] == [0, 3]
    assert (found[-1]["status"], found[-1]["reason"]) == ("completed", "Task 2 of 2 exited with code 3.")
    assert bob.call("GET", f"/jobs/{number}/events").status_code == 403
    assert bob.call("GET", "/jobs/2000000000/events").status_code == 400


def test_a_waiting_job_says_why_and_a_deleted_one_that_it_was(user: Callable[..., Any]) -> None:
    alice = user()
    number = alice.submit("true", policies={"placement": {"requirements": {"sites": ["nowhere"]}}})
    assert names(events(alice, number)) == ["created", "waiting"]
    assert events(alice, number)[1]["reason"]
    alice.call("DELETE", f"/jobs/{number}")
    alice.wait(number, "deleted")
    found = events(alice, number)
    assert names(found)[0] == "created"
    assert (found[-1]["event"], found[-1]["status"]) == ("ended", "deleted")


def test_a_running_job_tells_its_task_and_a_restart_is_told(user: Callable[..., Any], instance: Instance) -> None:
    alice = user()
    number = alice.submit("sleep 600")
    alice.wait(number, "running")
    told(alice, number, "taskStarted")
    assert names(events(alice, number))[-2:] == ["imagePulled", "taskStarted"]
    assert alice.describe(number)["execution"]["site"] == "local"
    vacate(instance, number)
    found = told(alice, number, "restarted")
    assert found.index("started") < found.index("interrupted") < found.index("restarted")
    assert alice.call("DELETE", f"/jobs/{number}").status_code == 200
