"""Jobs submitted again, and finished jobs that stay in the queue until they are taken out."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest

from tests.pool.conftest import User

pytestmark = pytest.mark.timeout(120)

LEFT = {"policies": {"leaveInQueue": True}}


def active(user: User) -> list[int]:
    return [job["id"] for job in user.call("GET", "/jobs").json()]


def test_a_clone_does_what_the_first_did_with_inputs_and_environment(user: Callable[..., User]) -> None:
    alice = user()
    secret = base64.b64encode(b"from the input").decode()
    task = {"image": "/images/busybox", "cmd": "sh -c 'cat in.txt; echo -n \"$WORD\"'", "env": {"WORD": " $(twice) ü"}}
    first = alice.submit("x", tasks=[task], inputs=[{"filename": "in.txt", "content": secret}], name="first")
    answer = alice.call("PUT", f"/jobs/{first}/clone")
    assert answer.status_code == 201, answer.text
    second = answer.json()["id"]
    assert second != first
    shown = alice.wait(second)
    assert (shown["status"], shown["name"]) == ("completed", "first")
    assert alice.stdout(second) == "from the input $(twice) ü"


def test_a_clone_is_made_once_for_one_key(user: Callable[..., User]) -> None:
    alice = user()
    first = alice.submit("true")
    keyed = {"Idempotency-Key": f"clone-{first}"}
    ids = {alice.call("PUT", f"/jobs/{first}/clone", headers=keyed).json()["id"] for _ in range(3)}
    assert len(ids) == 1


def test_a_finished_job_stays_until_it_is_taken_out(user: Callable[..., User]) -> None:
    alice = user("leaver")
    number = alice.submit("echo kept", **LEFT)
    refused = alice.call("PUT", f"/jobs/{number}/remove")
    assert refused.status_code == 400
    assert str(number) in refused.json()["error"]
    alice.wait(number)
    assert active(alice) == [number]
    for _ in range(2):
        assert (answer := alice.call("PUT", f"/jobs/{number}/remove")).status_code == 200, answer.text
        assert answer.json() == {}
    deadline = time.monotonic() + 10
    while active(alice):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert alice.describe(number)["status"] == "completed"
    assert alice.stdout(number) == "kept\n"


def test_what_is_anothers_is_neither_cloned_nor_removed(user: Callable[..., User]) -> None:
    number = user().submit("true", **LEFT)
    mallory = user("mallory")
    assert mallory.call("PUT", f"/jobs/{number}/clone").status_code == 403
    assert mallory.call("PUT", f"/jobs/{number}/remove").status_code == 403
    assert mallory.call("PUT", "/jobs/999999999/clone").status_code == 400
    user().wait(number)
    assert user().call("PUT", f"/jobs/{number}/remove").status_code == 200
