"""What one user may ask of a service that sets limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from deploy.instance import Instance
from tests.pool.conftest import User, job
from tests.pool.disaster import another_api

pytestmark = pytest.mark.timeout(120)

NOWHERE = {"policies": {"placement": {"requirements": {"sites": ["nowhere"]}}}}
LIMITS = "requests_per_minute = 60\nrequest_burst = 40\nqueued_jobs = 2"


@pytest.fixture(scope="module")
def strict(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an API over the same pool with low limits."""
    settings = tmp_path_factory.mktemp("strict") / "service.toml"
    settings.write_text(instance.home.service_settings.read_text().replace("requests_per_minute = 0", LIMITS))
    with another_api(instance, "api.wsgi:application()", "--threads", "8", PROMINENCE_SETTINGS=str(settings)) as url:
        yield url


def test_a_user_with_too_many_jobs_is_told_so_and_nothing_is_left(
    instance: Instance, user: Callable[..., User], strict: str
) -> None:
    alice = user("collector_of_jobs")
    alice.url = strict
    queued = [alice.submit("true", **NOWHERE) for _ in range(2)]
    before = sorted(folder.name for folder in instance.home.sandboxes.iterdir())
    for headers in ({}, {"Idempotency-Key": "one-too-many"}):
        refused = alice.call("POST", "/jobs", json=job("true", **NOWHERE), headers=headers)
        assert refused.status_code == 429, refused.text
    assert refused.json()["code"] == "tooManyJobs"
    assert int(refused.headers["Retry-After"]) > 0
    assert sorted(folder.name for folder in instance.home.sandboxes.iterdir()) == before
    assert alice.call("DELETE", f"/jobs/{queued[0]}").status_code == 200
    again = alice.submit("true", **NOWHERE)
    assert alice.call("DELETE", f"/jobs?id={queued[1]},{again}").status_code == 200


def test_a_user_who_asks_too_often_waits_and_others_do_not(user: Callable[..., User], strict: str) -> None:
    eager, other = user("eager"), user("other")
    eager.url = other.url = strict
    answers = [eager.call("GET", "/jobs") for _ in range(60)]
    assert [answer.status_code for answer in answers[:40]] == [200] * 40
    refused = answers[-1]
    assert refused.status_code == 429
    assert refused.json()["code"] == "tooManyRequests"
    assert int(refused.headers["Retry-After"]) >= 1
    assert other.call("GET", "/jobs").status_code == 200
