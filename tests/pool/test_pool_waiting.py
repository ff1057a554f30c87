"""Why jobs wait, as the provisioner says it, and as users and operators see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.instance import Instance
from tests.pool.conftest import User, job
from tests.pool.saying import on_head, say
from tests.pool.workers import left_alone, name_of, only

pytestmark = pytest.mark.timeout(180)

NOWHERE = {"placement": {"requirements": {"sites": ["nowhere"]}}}
QUOTA = 'waiting: site A\'s quota is used up (64 of 64 cores, 100 %); B is "broken" \\ ünï, $(X)'


@pytest.fixture(scope="module", autouse=True)
def nobody_else_says_why(instance: Instance) -> Iterator[None]:
    """The tests speak in the provisioner's place."""
    with left_alone(instance):
        yield


def listed(somebody: User, number: int, **args: str) -> list[tuple[str, str]]:
    """Status and reason of a job in a list, if it is there."""
    jobs = somebody.call("GET", "/jobs", params=args).json()
    return [(one["status"], one.get("statusReason", "")) for one in jobs if one["id"] == number]


def test_a_job_says_why_it_waits_at_once_in_lists_and_by_itself(instance: Instance, user: Callable[..., User]) -> None:
    alice = user()
    number = alice.submit("true", policies=NOWHERE)
    assert "statusReason" not in alice.describe(number)
    say(instance, number, "quota", QUOTA, "A")
    shown = alice.describe(number)
    assert (shown["status"], shown["statusReason"]) == ("idle", QUOTA)
    assert listed(alice, number) == listed(alice, number, status="idle") == [("idle", QUOTA)]
    assert listed(alice, number, status="deploying") == []
    text = "a worker is on its way at B"
    say(instance, number, "deploying", text, "B")
    shown = alice.describe(number)
    assert (shown["status"], shown["statusReason"]) == ("deploying", text)
    assert listed(alice, number) == listed(alice, number, status="idle") == [("deploying", text)]
    assert listed(alice, number, status="deploying") == [("deploying", text)]
    events = alice.call("GET", f"/jobs/{number}/events").json()
    assert [(event["event"], event.get("site")) for event in events] == [
        ("created", None),
        ("deploying", "B"),
        ("waiting", None),
    ]
    assert events[-1]["reason"] == text
    assert alice.call("DELETE", f"/jobs/{number}").status_code == 200


def test_a_job_that_runs_no_longer_says_why_it_waited(instance: Instance, user: Callable[..., User]) -> None:
    alice = user()
    number = alice.submit("sleep 2", policies=NOWHERE)
    say(instance, number, "deploying", "a worker is on its way at A", "A")
    on_head(instance, "condor_qedit", "-name", "prominence@", str(number), "ProminenceRequiredSites", '{"local"}')
    shown = alice.wait(number, "running")
    assert "on its way" not in str(shown)
    assert alice.wait(number)["status"] == "completed"


def test_a_job_that_is_not_to_wait_fails_when_no_worker_is_to_be_had(
    instance: Instance, user: Callable[..., User]
) -> None:
    alice = user()
    number = alice.submit("true", policies={**NOWHERE, "maximumTimeInQueue": 0})
    say(instance, number, "deploying", "a worker is on its way at A", "A")
    # The policy has been evaluated by then.
    other = alice.submit("true", policies={**NOWHERE, "maximumTimeInQueue": 0})
    say(instance, other, "quota", QUOTA, "A")
    failed = alice.wait(other)
    assert failed["status"] == "failed"
    assert "maximumTimeInQueue is 0" in failed["statusReason"]
    assert QUOTA.removeprefix("waiting: ") in failed["statusReason"]
    assert alice.describe(number)["status"] == "deploying"
    assert alice.call("DELETE", f"/jobs/{number}").status_code == 200


def test_a_workflow_of_which_nothing_runs_says_what_its_jobs_wait_for(
    instance: Instance, user: Callable[..., User]
) -> None:
    alice = user()
    workflow = {
        "name": "w",
        "jobs": [job("true", name="a", policies=NOWHERE)],
        "factories": [{"name": "f", "type": "repeat", "jobs": ["a"], "number": 2}],
    }
    number = alice.call("POST", "/workflows", json=workflow).json()["id"]
    deadline = time.monotonic() + 60
    found: list[str] = []
    while len(found) < 2:
        assert time.monotonic() < deadline, "the workflow's jobs are not in the queue"
        found = on_head(
            instance,
            "condor_q",
            "-name",
            "prominence@",
            "-allusers",
            "-constraint",
            f"DAGManJobId == {number}",
            "-af",
            "ClusterId",
        ).split()
        time.sleep(0.1)
    say(instance, int(found[1]), "quota", QUOTA, "A")
    shown: dict[str, Any] = {}
    while "statusReason" not in shown:
        assert time.monotonic() < deadline, shown
        shown = alice.call("GET", f"/workflows/{number}").json()[0]
        time.sleep(0.1)
    assert (shown["status"], shown["statusReason"]) == ("running", f"None of its jobs runs at the moment: {QUOTA}")
    reasons = [one.get("statusReason") for one in alice.call("GET", f"/jobs?workflow&id={number}").json()]
    assert sorted(reasons, key=str) == [None, QUOTA]
    assert alice.call("DELETE", f"/workflows/{number}").status_code == 200


def rows(text: str, first: str) -> list[dict[str, str]]:
    """A table that HTCondor printed: below the line that begins with the word `first`, each row by the words of that line."""
    lines = text.splitlines()
    head = next(index for index, line in enumerate(lines) if line.split()[:1] == [first])
    names = lines[head].split()
    return [
        dict(zip(names, line.split(None, len(names) - 1), strict=False)) for line in lines[head + 1 :] if line.strip()
    ]


def test_operators_see_jobs_with_user_vo_site_state_and_reason(instance: Instance, user: Callable[..., User]) -> None:
    alice, bob = user("alice", ("vo.example.eu",)), user("bob")
    waits, comes = (alice.submit("true", policies=NOWHERE) for _ in range(2))
    runs = bob.submit("sleep 60")
    say(instance, waits, "quota", "waiting: A is full", "A")
    say(instance, comes, "deploying", "a worker is on its way at B", "B")
    bob.wait(runs, "running")
    formats = "/pool/config/print_formats"
    printed = on_head(instance, "condor_q", "-name", "prominence@", "-allusers", "-print-format", f"{formats}/jobs.cpf")
    found = {row.pop("ID"): row for row in rows(printed, "ID")}
    columns = ("USER", "VO", "SITE", "STATE", "REASON", "WHY")
    shown = {number: tuple(found[str(number)][name].strip() for name in columns) for number in (waits, comes, runs)}
    assert shown == {
        waits: ("alice", "vo_example_eu", "A", "idle", "quota", "waiting: A is full"),
        comes: ("alice", "vo_example_eu", "B", "deploying", "deploying", "a worker is on its way at B"),
        runs: ("bob", "users", "local", "running", "-", "-"),
    }
    printed = on_head(instance, "condor_status", "-print-format", f"{formats}/workers.cpf")
    (worker,), ours = rows(printed, "WORKER"), only(instance)
    assert (worker["WORKER"], worker["SITE"], worker["SERVER"]) == (name_of(ours), "local", ours.uuid)
    assert (worker["WHOSE"], worker["PURPOSE"], worker["STATE"]) == ("everybody", "shared", "Unclaimed")
    assert worker["CPUS"].endswith(f"/{instance.settings.worker_cpus}")
    assert worker["GB"].endswith(f"/{instance.settings.worker_memory // 1024}")
    for number in (waits, comes):
        alice.call("DELETE", f"/jobs/{number}")
    bob.call("DELETE", f"/jobs/{runs}")


def test_the_print_formats_are_on_the_head(instance: Instance) -> None:
    here = {file.name for file in (Path(__file__).parents[2] / "condor_config/print_formats").glob("*.cpf")}
    assert set(on_head(instance, "ls", "/pool/config/print_formats").split()) == here != set()
