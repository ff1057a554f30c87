"""Output that can be read while the job runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(120)


def test_output_is_there_while_the_job_runs_and_whole_when_it_has_ended(user: Callable[..., Any]) -> None:
    alice = user()
    number = alice.submit("sh -c 'echo first; sleep 6; echo last'")
    alice.wait(number, "running")
    deadline = time.monotonic() + 20
    seen = ""
    while "first" not in seen:
        assert time.monotonic() < deadline
        seen = alice.call("GET", f"/jobs/{number}/stdout").text
        time.sleep(0.05)
    assert alice.describe(number)["status"] == "running"
    alice.wait(number, "completed")
    assert alice.stdout(number) == "first\nlast\n"


def test_a_job_that_has_not_started_has_no_output(user: Callable[..., Any]) -> None:
    alice = user()
    number = alice.submit("true", policies={"placement": {"requirements": {"sites": ["nowhere"]}}})
    answer = alice.call("GET", f"/jobs/{number}/stdout")
    assert answer.status_code == 400
    assert alice.call("DELETE", f"/jobs?id={number}").status_code == 200
