"""What workers there are, and workers that a user adds for the user's own jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.instance import Instance
from tests.pool.conftest import User
from tests.pool.local_workers import local_workers

pytestmark = pytest.mark.timeout(180)

AT_HOME = {"policies": {"placement": {"requirements": {"sites": ["home"]}}}}


def sites(user: User) -> list[str]:
    answer = user.call("GET", "/resources")
    assert answer.status_code == 200, answer.text
    return sorted(worker["site"] for worker in answer.json()["existing"])


def wait_for(site: str, user: User) -> None:
    deadline = time.monotonic() + 30
    while site not in sites(user):
        assert time.monotonic() < deadline, f"no worker of the site {site} has joined"
        time.sleep(0.1)


def test_the_workers_are_shown_with_what_is_free(instance: Instance, user: Callable[..., User]) -> None:
    wait_for("local", user())
    (worker,) = user().call("GET", "/resources").json()["existing"]
    assert worker["site"] == "local"
    assert worker["capacity"]["cpus"] == instance.settings.worker_cpus
    assert 0 <= worker["free"]["cpus"] <= worker["capacity"]["cpus"]
    assert (
        0
        < worker["free"]["memory"]
        <= worker["capacity"]["memory"]
        == pytest.approx(instance.settings.worker_memory / 1024, abs=0.001)
    )


@pytest.fixture
def alices_worker(instance: Instance, user: Callable[..., User]) -> Iterator[None]:
    """A worker that joined with the token that the API gave to alice."""
    answer = user("alice").call("POST", "/token")
    assert answer.status_code == 201, answer.text
    with local_workers(instance, site="home") as made:
        made.create(mint=lambda _: str(answer.json()["token"]))
        wait_for("home", user("alice"))
        yield


@pytest.mark.usefixtures("alices_worker")
def test_a_worker_with_a_users_token_serves_that_users_jobs_alone(user: Callable[..., User]) -> None:
    alice, bob = user("alice"), user("bob")
    assert sites(bob) == ["local"]
    refused = bob.submit("true", **AT_HOME)
    served = alice.wait(alice.submit("true", **AT_HOME))
    assert (served["status"], served["execution"]["site"]) == ("completed", "home")
    # Only bob's job is left, and the worker is free.
    again = alice.wait(alice.submit("true", **AT_HOME))
    assert again["status"] == "completed"
    assert bob.describe(refused)["status"] == "idle"
    assert bob.call("DELETE", f"/jobs/{refused}").status_code == 200


def test_a_users_worker_token_is_no_token_of_the_api(user: Callable[..., User]) -> None:
    alice = user("alice")
    alice.session.headers["Authorization"] = f"Bearer {alice.call('POST', '/token').json()['token']}"
    answer = alice.call("GET", "/jobs")
    assert answer.status_code == 401
    assert "error" in answer.json()


def test_the_signing_key_is_readable_by_the_service_alone(instance: Instance) -> None:
    assert Path(instance.home.signing_key).stat().st_mode & 0o777 == 0o600
