"""How a workflow ended, from the ad of its DAGMan job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.workflows import files, outcome
from api.workflows.instances import Instances
from api.workflows.plan import Part, Plan, workflow_name
from pool.attributes import TAKEN_OUT_BY_USER
from pool.dagman import STATES_FILE
from pool.state import Status

NAME = workflow_name("a" * 32)
PLAN = Plan(NAME, "family", (Part("a/b", 0, {}), Part("sweep", 1, {}, {"type": "repeat", "number": 3})))
COMPLETED, TAKEN_OUT = {"JobStatus": 4}, {"JobStatus": 3, "RemoveReason": TAKEN_OUT_BY_USER}


@pytest.mark.parametrize("left", [COMPLETED, TAKEN_OUT])
@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (0, Status.COMPLETED, ""),
        (1, Status.FAILED, "Job a failed: why."),
        (2, Status.FAILED, "The program that runs workflows ended with code 2."),
    ],
)
def test_a_workflow_has_ended_alike_whether_or_not_it_was_left_in_the_queue(
    left: dict[str, Any], code: int, status: Status, reason: str
) -> None:
    found = outcome.of({**left, "ExitCode": code}, "Job a failed: why." if code == 1 else "")
    assert (found.status, found.reason) == (status, reason)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (None, "The program that runs workflows gave up before a job had failed: ask the operators of this service."),
        (
            f"1 {PLAN.instance_name(2)} SUBMIT_FAILURE - - - 1\n",
            "Job sweep/1 failed: it could not be put into the queue.",
        ),
    ],
)
def test_a_failure_that_is_no_jobs_is_told(tmp_path: Path, log: str | None, reason: str) -> None:
    at = tmp_path / NAME
    files.fill(at, PLAN, ({}, {}), [], [])
    if log is not None:
        (at / STATES_FILE).write_text(log)
    ad = {"ProminenceSubmission": NAME, "JobStatus": 4, "ExitCode": 1}
    assert outcome.reason(ad, Instances(tmp_path)) == reason
