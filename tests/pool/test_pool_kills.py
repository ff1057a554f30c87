"""Whatever dies while jobs are submitted, and whenever: an acknowledged job stays, and one key means one job."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Iterator

import pytest
import requests

from deploy.instance import Instance
from deploy.nodes import Node
from tests.pool.conftest import User
from tests.pool.disaster import all_jobs, another_api, api_processes, by_name, delete_all, waiting
from tests.pool.killing import HEADER
from tests.pool.load import Load
from tests.pool.seeing import daemon, head_of, until

pytestmark = pytest.mark.timeout(120)

MOMENTS = (
    "before-submit",
    *(f"submitting {microseconds}" for microseconds in (100, 300, 600, 1000, 1500, 2000, 2500, 3000, 4000, 6000)),
    "submitted",
    "answering",
)


@pytest.fixture(scope="module")
def mortal(expendable: Instance) -> Iterator[str]:
    """An API with one process that dies when it is told so, and is replaced by its master."""
    options = ("--workers", "1", "--threads", "4", "--preload")
    with another_api(expendable, "tests.pool.killing:application()", *options) as url:
        yield url


@pytest.fixture
def alice(expendable: Instance, mortal: str) -> Iterator[User]:
    alice = User(expendable, "alice")
    alice.url = mortal
    yield alice
    delete_all(alice)
    alice.session.close()  # a connection that is kept open delays the end of the API


def died(user: User, name: str, moment: str, key: str | None) -> bool:
    """Whether a POST that was to die at `moment` did so."""
    headers = {HEADER: moment} | ({"Idempotency-Key": key} if key is not None else {})
    try:
        answer = user.call("POST", "/jobs", json=waiting(name), headers=headers)
    except requests.ConnectionError:
        return True
    assert answer.status_code == 201, answer.text
    return False


def submitted(user: User, name: str, key: str | None) -> int:
    """The id that a POST is answered with."""
    headers = {"Idempotency-Key": key} if key is not None else {}
    answer = user.call("POST", "/jobs", json=waiting(name), headers=headers)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def test_a_retry_after_a_kill_at_any_moment_gives_one_job_and_one_id(alice: User, expendable: Instance) -> None:
    keys = {moment: uuid.uuid4().hex for moment in MOMENTS}
    deaths = [moment for moment, key in keys.items() if died(alice, key, moment, key)]
    assert {"before-submit", "submitted", "answering", "submitting 100"} <= set(deaths)
    first = {key: submitted(alice, key, key) for key in keys.values()}
    again = {key: submitted(alice, key, key) for key in keys.values()}
    assert again == first
    jobs = all_jobs(expendable)
    assert {one.name: one.id for one in jobs if one.name in first} == first
    assert {name: count for name, count in by_name(jobs).items() if name in first} == dict.fromkeys(first, 1)


def test_a_kill_before_any_line_of_a_submission_leaves_one_job_for_a_key(alice: User, expendable: Instance) -> None:
    first: dict[str, int] = {}
    number, alive = 0, False
    while not alive:
        number += 1
        key = f"{uuid.uuid4().hex}-{number}"
        alive = not died(alice, key, f"line {number}", key)
        first[key] = submitted(alice, key, key)
    assert number > 50  # fewer would mean that the lines were not seen
    jobs = all_jobs(expendable)
    assert {one.name: one.id for one in jobs if one.name in first} == first
    assert {name: count for name, count in by_name(jobs).items() if name in first} == dict.fromkeys(first, 1)


@pytest.mark.parametrize(("moment", "left"), [("before-submit", 0), ("submitted", 1), ("answering", 1)])
def test_without_a_key_a_kill_leaves_a_whole_job_or_none(
    alice: User, expendable: Instance, moment: str, left: int
) -> None:
    name = uuid.uuid4().hex
    folders = set(expendable.home.sandboxes.iterdir())
    assert died(alice, name, moment, None)
    number = submitted(alice, name, None)
    jobs = [one for one in all_jobs(expendable) if one.name == name]
    assert len(jobs) == 1 + left
    assert number in [one.id for one in jobs]
    for one in jobs:
        assert json.loads((expendable.home.sandboxes / one.submission / "job.json").read_text())["name"] == name
        assert (expendable.home.sandboxes / one.submission / "token").stat().st_size
    # A folder that no job belongs to is all that is left: nothing looks at it.
    assert len(set(expendable.home.sandboxes.iterdir()) - folders) == 2
    assert sorted(one["id"] for one in alice.call("GET", "/jobs?all", params={"name": name}).json()) == sorted(
        one.id for one in jobs
    )
    assert alice.describe(number)["status"] == "idle"


@pytest.mark.parametrize("key", [None, "lost"])
def test_an_answer_that_is_lost_is_found_in_the_queue(alice: User, expendable: Instance, key: str | None) -> None:
    submitted(alice, "first", None)  # the service's very first submission takes a detour
    name = uuid.uuid4().hex
    headers = {HEADER: "lost"} | ({"Idempotency-Key": name} if key is not None else {})
    answer = alice.call("POST", "/jobs", json=waiting(name), headers=headers)
    assert answer.status_code == 201, answer.text
    assert [one.id for one in all_jobs(expendable) if one.name == name] == [answer.json()["id"]]


def test_an_answer_that_is_lost_with_its_schedd_is_given_to_the_retry(alice: User, expendable: Instance) -> None:
    key = uuid.uuid4().hex
    schedd = daemon(head_of(expendable), "condor_schedd")
    headers = {"Idempotency-Key": key}
    answer = alice.call("POST", "/jobs", json=waiting(key), headers=headers | {HEADER: f"lost with {schedd}"})
    assert answer.status_code == 503, answer.text
    until(lambda: alice.call("GET", "/health").status_code == 204, 60)
    number = submitted(alice, key, key)
    assert [one.id for one in all_jobs(expendable) if one.name == key] == [number]


def kill_schedd(head: Node, load: Load) -> None:
    """Kills the schedd in the midst of submissions; returns when it was noticed and the next one has been started."""
    wanted, refused = len(load.acknowledged) + 20, len(load.refused)
    until(lambda: len(load.acknowledged) > wanted, 30)
    schedd = daemon(head, "condor_schedd")
    assert schedd is not None
    os.kill(schedd, signal.SIGKILL)
    until(lambda: len(load.refused) > refused, 30)
    until(lambda: daemon(head, "condor_schedd") not in (None, schedd), 60)


def test_acknowledged_jobs_outlive_kills_of_the_schedd_under_load(expendable: Instance) -> None:
    head, processes = head_of(expendable), api_processes(expendable)
    folders = set(expendable.home.sandboxes.iterdir())
    with Load([User(expendable, f"user{number}") for number in range(4)]) as load:
        for _ in range(2):
            kill_schedd(head, load)
    # While it was away every client was told so, and when to come again; and nobody had to restart the API.
    assert load.failures == []
    assert {(one.status_code, one.json()["code"]) for one in load.refused} == {(503, "queueUnavailable")}
    assert all("try again" in one.json()["error"] and int(one.headers["Retry-After"]) > 0 for one in load.refused)
    assert api_processes(expendable) == processes
    jobs = [one for one in all_jobs(expendable) if one.name.startswith("job-")]
    ids = {one.name: one.id for one in jobs}
    assert {name: ids.get(name) for name in load.acknowledged} == load.acknowledged
    assert [name for name, count in by_name(jobs).items() if count > 1] == []
    again = {name: submitted(user, name, name) for name, user in load.keyed.items()}
    assert again == {name: load.acknowledged[name] for name in load.keyed}
    made = {folder.name for folder in set(expendable.home.sandboxes.iterdir()) - folders}
    assert made == {one.submission for one in jobs if one.name in load.acknowledged}
    for user in load.users:
        delete_all(user)
        user.session.close()
