"""While the pool is away the API says so, soon and in one way; when it is back, the API goes on as if nothing had been."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from deploy.instance import Instance
from pool.patience import FRESH
from tests.pool.conftest import User
from tests.pool.disaster import all_jobs, another_api, api_processes, by_name, delete_all, waiting
from tests.pool.seeing import daemon, head_of, until

pytestmark = pytest.mark.timeout(120)

BOUND = 5.0
"""Seconds within which every request is answered while the pool is gone; on an idle machine it is a fiftieth of one."""
TIMEOUT = 2
"""Seconds that the API of one test waits for a schedd that hangs (Q_QUERY_TIMEOUT; 10 in production)."""
ROUNDS = 8
"""Requests that make it likely that each process of the API was asked."""


@pytest.fixture
def alice(expendable: Instance) -> Iterator[User]:
    alice = User(expendable, "alice")
    yield alice
    delete_all(alice)
    alice.session.close()  # a connection that is kept open delays the end of the API


def submitted(user: User, name: str, **headers: str) -> int:
    """The id that a POST is answered with."""
    answer = user.call("POST", "/jobs", json=waiting(name), headers=headers)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def refused(answer: requests.Response) -> None:
    """Asserts that an answer says that the queue is away, and when to come again."""
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] == "queueUnavailable"
    assert "try again" in answer.json()["error"]
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.elapsed.total_seconds() < BOUND


def grown_old() -> None:
    """Waits until no process relies any more on what the schedd answered before."""
    answered = time.monotonic()
    until(lambda: time.monotonic() - answered > FRESH, 2 * FRESH)


@contextmanager
def stopped(instance: Instance) -> Iterator[None]:
    """The head node is stopped, as an operator stops it, and started again; the API runs on."""
    head_of(instance).stop()
    try:
        grown_old()
        yield
    finally:
        instance.start(print)


def test_every_request_about_jobs_is_answered_with_503_while_the_pool_is_away(
    alice: User, expendable: Instance
) -> None:
    number = submitted(alice, "before")
    processes = api_processes(expendable)
    with stopped(expendable):
        for _ in range(ROUNDS):
            refused(alice.call("POST", "/jobs", json=waiting("away")))
            refused(alice.call("POST", "/jobs", json=waiting("away"), headers={"Idempotency-Key": uuid.uuid4().hex}))
            refused(alice.call("GET", "/jobs"))
            refused(alice.call("GET", f"/jobs/{number}"))
            refused(alice.call("DELETE", f"/jobs/{number}"))
            health = alice.call("GET", "/health")
            assert (health.status_code, health.json()) == (409, {"errors": "the queue cannot be reached"})
    # It is back, and no process of the API needs to be told.
    for _ in range(ROUNDS):
        assert alice.call("GET", "/health").status_code == 204
        assert alice.describe(number)["name"] == "before"
        submitted(alice, "after")
    assert api_processes(expendable) == processes
    assert by_name(all_jobs(expendable))["away"] == 0


def test_deletions_and_submissions_work_at_once_when_the_pool_is_back(alice: User, expendable: Instance) -> None:
    numbers = [submitted(alice, f"job{one}") for one in range(ROUNDS)]
    with stopped(expendable):
        pass
    for number in numbers:
        assert alice.call("DELETE", f"/jobs/{number}").status_code == 200
        submitted(alice, "again")


def test_nothing_half_made_is_left_and_a_retry_with_the_key_makes_it_whole(alice: User, expendable: Instance) -> None:
    submitted(alice, "before")
    folders = set(expendable.home.sandboxes.iterdir())
    keys = [uuid.uuid4().hex for _ in range(ROUNDS)]
    with stopped(expendable):
        for key in keys:
            refused(alice.call("POST", "/jobs", json=waiting("keyless")))
            assert len(set(expendable.home.sandboxes.iterdir()) - folders) <= keys.index(key)
            refused(alice.call("POST", "/jobs", json=waiting(key), headers={"Idempotency-Key": key}))
    first = {key: submitted(alice, key, **{"Idempotency-Key": key}) for key in keys}
    assert {key: submitted(alice, key, **{"Idempotency-Key": key}) for key in keys} == first
    jobs = all_jobs(expendable)
    assert {one.name: one.id for one in jobs if one.name in first} == first
    assert {name: count for name, count in by_name(jobs).items() if name in first} == dict.fromkeys(first, 1)
    made = {folder.name for folder in set(expendable.home.sandboxes.iterdir()) - folders}
    assert made == {one.submission for one in jobs if one.name in first}


def test_a_schedd_that_hangs_holds_up_one_request_and_the_others_are_told(alice: User, expendable: Instance) -> None:
    schedd = daemon(head_of(expendable), "condor_schedd")
    assert schedd is not None
    # One process, so that all requests meet in it.
    options, shorter = ("--workers", "1", "--threads", "8"), {"_CONDOR_Q_QUERY_TIMEOUT": str(TIMEOUT)}
    with another_api(expendable, "api.wsgi:application()", *options, **shorter) as url:
        alice.url = url
        number = submitted(alice, "before")
        grown_old()
        os.kill(schedd, signal.SIGSTOP)
        try:
            calls = [("POST", "/jobs"), ("GET", "/jobs"), ("GET", f"/jobs/{number}"), ("DELETE", f"/jobs/{number}")]
            with ThreadPoolExecutor(8) as threads:
                for answer in threads.map(lambda one: alice.call(*one, json=waiting("hanging")), 2 * calls):
                    refused(answer)
            assert alice.call("GET", "/health").status_code == 409
        finally:
            os.kill(schedd, signal.SIGCONT)
        until(lambda: alice.call("GET", "/health").status_code == 204, 30)
        assert alice.describe(number)["name"] == "before"
        alice.url = expendable.settings.url
    assert by_name(all_jobs(expendable))["hanging"] == 0
