"""Whatever dies while a workflow runs: it goes on, nothing that succeeded runs twice, and nothing is lost."""

from __future__ import annotations

import os
import signal
import uuid
from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from deploy import service
from deploy.instance import Instance
from pool.dagman import STATES_FILE
from tests.pool.conftest import User
from tests.pool.disaster import all_jobs, another_api, api_processes
from tests.pool.families import jobs_of, member, submit, sweep, wait
from tests.pool.killing import HEADER
from tests.pool.seeing import daemon, head_of, until

pytestmark = pytest.mark.timeout(300)

_DAGMAN = "condor_dagman"


@pytest.fixture
def alice(breakable: Instance) -> Iterator[User]:
    alice = User(breakable, "alice")
    yield alice
    alice.session.close()


def successes(instance: Instance, alice: User, number: int) -> Counter[str]:
    """How often each node of a workflow ended well, by DAGMan's own log."""
    some = next(iter(jobs_of(alice, number).values()))["id"]
    folder = next(
        path
        for path in instance.home.sandboxes.glob("*ffffffff")
        if f" {number}.0 " in (path / STATES_FILE).read_text()
    )
    assert some // 10**6 == number
    lines = (folder / STATES_FILE).read_text().splitlines()
    return Counter(line.split()[1] for line in lines if line.split()[2] == "JOB_SUCCESS")


def family(alice: User) -> int:
    """A workflow of a sweep and a job that waits for all of it, a quarter of a minute of work."""
    jobs = [member("many", "sh -c 'sleep 2; echo $i'"), member("last", "echo end")]
    return submit(alice, jobs, dependencies={"many": ["last"]}, factories=[sweep("many", i=(1, 16, 1))])


def halfway(alice: User, number: int) -> None:
    """Waits until some of the workflow is done and some is not."""
    until(lambda: 2 < alice.call("GET", f"/workflows/{number}").json()[0]["progress"]["done"] < 14, 60)


@pytest.mark.parametrize("victim", [_DAGMAN, "condor_schedd", "gunicorn"])
def test_a_workflow_goes_on_after_a_kill(breakable: Instance, alice: User, victim: str) -> None:
    number = family(alice)
    halfway(alice, number)
    if victim == "gunicorn":
        for pid in api_processes(breakable):
            os.kill(pid, signal.SIGKILL)
        until(lambda: service.process(breakable.home).pid() is None, 10)
        service.start(breakable.settings, breakable.home)
    else:
        found = daemon(head_of(breakable), victim)
        assert found is not None
        os.kill(found, signal.SIGKILL)
    until(lambda: answers(alice), 60)
    shown = wait(alice, number, seconds=150)
    assert shown["status"] == "completed", shown
    assert shown["progress"]["done"] == 17
    assert set(successes(breakable, alice, number).values()) == {1}
    jobs = jobs_of(alice, number)
    assert [alice.stdout(jobs[f"many/{place}"]["id"]) for place in range(16)] == [f"{i}\n" for i in range(1, 17)]
    submissions = Counter(one.submission for one in all_jobs(breakable))
    assert set(submissions.values()) == {1}, "no instance was queued twice"


def answers(user: User) -> bool:
    """Whether the API and the queue behind it answer."""
    try:
        return user.call("GET", "/workflows").status_code == 200
    except requests.ConnectionError:
        return False


def test_a_kill_before_any_line_of_a_submission_leaves_one_workflow_for_a_key(breakable: Instance, alice: User) -> None:
    options = ("--workers", "1", "--threads", "4", "--preload")
    nowhere = {"placement": {"requirements": {"sites": ["nowhere"]}}}
    document = {"jobs": [member("a"), member("b")], "dependencies": {"a": ["b"]}, "policies": nowhere}
    first: dict[str, int] = {}
    with another_api(breakable, "tests.pool.killing:application()", *options) as url:
        alice.url = url
        number, alive = 0, False
        while not alive:
            number += 3
            key = f"{uuid.uuid4().hex}-{number}"
            headers = {"Idempotency-Key": key}
            named = {**document, "name": key}
            try:
                answer = alice.call("POST", "/workflows", json=named, headers=headers | {HEADER: f"line {number}"})
                alive = answer.status_code == 201
            except requests.ConnectionError:
                alive = False
            again = alice.call("POST", "/workflows", json=named, headers=headers)
            assert again.status_code == 201, again.text
            first[key] = again.json()["id"]
            # Each is a process at the access point.
            assert alice.call("DELETE", f"/workflows/{first[key]}").status_code == 200
    assert number > 50, "the lines were not seen"
    alice.url = breakable.settings.url
    until(lambda: alice.call("GET", "/workflows").json() == [], 60)
    names = Counter(one.name for one in all_jobs(breakable))
    assert {key: names[key] for key in first} == dict.fromkeys(first, 1)
    until(lambda: ended(alice) >= set(first.values()), 60)
    assert len(ended(alice) & set(first.values())) == len(first)


def ended(user: User) -> set[int]:
    """Ids of the user's workflows that have left the queue."""
    return {shown["id"] for shown in user.call("GET", "/workflows?completed=true&num=1000").json()}
