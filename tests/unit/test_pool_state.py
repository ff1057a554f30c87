"""A job's state as a table: what the ad says, what the user sees."""

from __future__ import annotations

from typing import Any

import pytest

from pool.attributes import DELETED_BY_USER
from pool.state import Status, state

TABLE: list[tuple[dict[str, Any], Status, str]] = [
    ({"JobStatus": 1}, Status.IDLE, ""),
    (
        {"JobStatus": 1, "ProminenceReason": "quota", "ProminenceReasonText": "waiting: %2464"},
        Status.IDLE,
        "waiting: $64",
    ),
    ({"JobStatus": 1, "ProminenceReason": "deploying", "ProminenceReasonText": "at A"}, Status.DEPLOYING, "at A"),
    ({"JobStatus": 1, "ProminenceReason": "deploying"}, Status.DEPLOYING, ""),
    ({"JobStatus": 1, "ProminenceReason": 7, "ProminenceReasonText": 7}, Status.IDLE, ""),
    ({"JobStatus": 2, "ProminenceReason": "deploying", "ProminenceReasonText": "at A"}, Status.RUNNING, ""),
    ({"JobStatus": 2}, Status.RUNNING, ""),
    ({"JobStatus": 6}, Status.RUNNING, ""),
    ({"JobStatus": 7}, Status.RUNNING, ""),
    ({"JobStatus": 4, "ExitCode": 0}, Status.COMPLETED, ""),
    ({"JobStatus": 4, "ExitCode": 1}, Status.COMPLETED, ""),
    ({"JobStatus": 4, "ExitCode": 65}, Status.FAILED, "image"),
    ({"JobStatus": 4, "ExitCode": 66}, Status.FAILED, "input"),
    ({"JobStatus": 4, "ExitCode": 99}, Status.FAILED, "code 99"),
    ({"JobStatus": 4, "ExitBySignal": True, "ExitSignal": 9}, Status.FAILED, "signal 9"),
    ({"JobStatus": 5, "HoldReasonCode": 1}, Status.IDLE, "operator"),
    ({"JobStatus": 5, "HoldReasonCode": 13, "NumHolds": 1}, Status.IDLE, "tried again"),
    ({"JobStatus": 5, "HoldReasonCode": 13, "NumHolds": 3}, Status.FAILED, "moved to the worker"),
    ({"JobStatus": 5, "HoldReasonCode": 12, "NumHolds": 3}, Status.FAILED, "brought back"),
    ({"JobStatus": 5, "HoldReasonCode": 47}, Status.KILLED, "walltime"),
    ({"JobStatus": 3, "HoldReasonCode": 46, "RemoveReason": "could not go on"}, Status.KILLED, "walltime"),
    ({"JobStatus": 3, "HoldReasonCode": 34, "RemoveReason": "could not go on"}, Status.KILLED, "memory"),
    ({"JobStatus": 3, "RemoveReason": DELETED_BY_USER}, Status.DELETED, ""),
    ({"JobStatus": 4, "ExitCode": 69}, Status.DELETED, ""),
    ({"JobStatus": 3, "RemoveReason": "removed because <OtherJobRemoveRequirements = x> fired"}, Status.DELETED, ""),
    ({"JobStatus": 3, "RemoveReason": "DAG Removed: User removed scheduler job from queue."}, Status.DELETED, ""),
    ({"JobStatus": 3, "RemoveReason": "never ran"}, Status.FAILED, "never ran"),
    ({"JobStatus": 3, "RemoveReason": "via condor_rm (by user root)"}, Status.KILLED, "condor_rm"),
    (
        {"JobStatus": 3, "RemoveReason": "waited longer than its maximumTimeInQueue"},
        Status.FAILED,
        "maximumTimeInQueue",
    ),
]


@pytest.mark.parametrize(("ad", "status", "words"), TABLE)
def test_the_state_of_an_ad(ad: dict[str, Any], status: Status, words: str) -> None:
    shown = state(ad)
    assert shown.status == status
    assert words in shown.reason
    assert bool(shown.reason) == bool(words)


def test_the_report_says_why_a_job_failed() -> None:
    report = {"reason": {"code": "imageNotFound", "message": "There is no image x."}}
    assert state({"JobStatus": 4, "ExitCode": 65}, report).reason == "There is no image x."
