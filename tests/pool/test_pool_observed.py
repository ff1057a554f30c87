"""What operators see of the service: request ids, the log, metrics; and what they must never see there."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest
import requests

from deploy.instance import Instance
from tests.pool.conftest import User

pytestmark = pytest.mark.timeout(120)


def log_of(instance: Instance, request: str) -> list[dict[str, object]]:
    lines = (instance.home.log / "api.log").read_text().splitlines()
    return [json.loads(line) for line in lines if request in line]


def test_a_request_is_found_in_the_log_by_its_id(instance: Instance, user: Callable[..., User]) -> None:
    mine = uuid.uuid4().hex
    answer = user().call("GET", "/jobs?name=secret-name", headers={"X-Request-Id": mine})
    assert answer.headers["X-Request-Id"] == mine
    (line,) = log_of(instance, mine)
    assert (line["method"], line["route"], line["status"], line["user"]) == ("GET", "/prominence/v1/jobs", 200, "alice")
    assert "secret-name" not in json.dumps(line)


@pytest.mark.parametrize("bad", ["", "x" * 65, 'a"b', "a b"])
def test_a_bad_request_id_is_replaced(user: Callable[..., User], bad: str) -> None:
    given = user().call("GET", "/jobs", headers={"X-Request-Id": bad}).headers["X-Request-Id"]
    assert given != bad
    assert len(given) == 32


def metrics(instance: Instance, token: str | None) -> requests.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    address = f"http://{instance.settings.host}:{instance.settings.port}/metrics"
    return requests.get(address, headers=headers, timeout=10)


def test_metrics_count_over_all_processes_for_who_holds_the_token(
    instance: Instance, user: Callable[..., User]
) -> None:
    token = (instance.home.keys / "metrics").read_text()

    def submissions() -> float:
        text = metrics(instance, token).text
        return float(text.split("\nprominence_submissions_total ")[1].split("\n")[0])

    before = submissions()
    jobs = [user().submit("true") for _ in range(8)]
    assert submissions() == before + 8
    assert 'route="/prominence/v1/jobs",status="201"' in metrics(instance, token).text
    assert user().call("DELETE", "/jobs", params={"id": ",".join(map(str, jobs))}).status_code in (200, 400)


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_metrics_are_hidden_from_others(instance: Instance, token: str | None) -> None:
    assert metrics(instance, token).status_code == 404


def test_no_token_stands_in_a_log(instance: Instance, user: Callable[..., User]) -> None:
    alice = user()
    alice.submit("true")
    token = str(alice.session.headers["Authorization"]).removeprefix("Bearer ")
    alice.session.headers["Authorization"] = f"Bearer {token[:-4]}AAAA"
    assert alice.call("GET", "/jobs").status_code == 401
    for log in instance.home.log.iterdir():
        assert token.split(".")[1] not in log.read_text(errors="replace"), log
