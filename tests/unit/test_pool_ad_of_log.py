"""What HTCondor's event logs say of jobs is what their ads said: logs and ads of real jobs (HTCondor 23.9)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pool import event_log
from pool.ad_of_log import ad_of_log
from pool.attributes import COULD_NOT_GO_ON, DELETED_BY_USER
from pool.state import State, Status, state

LOGS = Path(__file__).parent / "pool_logs"
CONSTANT = {"ProminenceUser": "alice"}


def events(name: str) -> list[event_log.LogEvent]:
    descriptor = os.open(LOGS / f"{name}.log", os.O_RDONLY)
    try:
        return list(event_log.read(descriptor))
    finally:
        os.close(descriptor)


def ad(name: str, count: int | None = None) -> dict[str, Any]:
    found = ad_of_log(CONSTANT, events(name)[:count])
    assert found is not None
    return found


AT_THE_END: dict[str, dict[str, Any]] = {
    "ok": {"JobStatus": 4, "ExitCode": 0, "ExitBySignal": False, "NumJobCompletions": 1, "NumHolds": 0},
    "false": {"JobStatus": 4, "ExitCode": 1, "ExitBySignal": False, "NumJobCompletions": 1, "NumHolds": 0},
    "retry": {"JobStatus": 4, "ExitCode": 1, "ExitBySignal": False, "NumJobCompletions": 3, "NumHolds": 0},
    "missing": {"JobStatus": 3, "NumHolds": 1, "LastHoldReasonCode": 6, "RemoveReason": COULD_NOT_GO_ON},
    "walltime": {"JobStatus": 3, "LastHoldReasonCode": 46, "RemoveReason": COULD_NOT_GO_ON},
    "removed": {"JobStatus": 3, "RemoveReason": f"{DELETED_BY_USER} (by user prominence)"},
}


@pytest.mark.parametrize("name", AT_THE_END)
def test_the_log_of_a_job_that_ended_says_what_its_ad_said(name: str) -> None:
    shown = ad(name)
    assert {key: shown.get(key) for key in AT_THE_END[name]} == AT_THE_END[name]
    assert shown["ProminenceUser"] == "alice"
    assert shown["QDate"] <= shown["JobCurrentStartExecutingDate"] <= shown["EnteredCurrentStatus"]


STATES = {
    ("ok", 1): Status.IDLE,
    ("ok", 2): Status.RUNNING,
    ("ok", 3): Status.RUNNING,
    ("ok", -1): Status.RUNNING,
    ("ok", None): Status.COMPLETED,
    ("retry", 6): Status.IDLE,
    ("retry", 8): Status.RUNNING,
    ("removed", 3): Status.RUNNING,
    ("removed", None): Status.DELETED,
    ("missing", None): Status.FAILED,
    ("walltime", -1): Status.KILLED,
    ("walltime", None): Status.KILLED,
}


@pytest.mark.parametrize(("name", "count"), STATES)
def test_the_state_at_each_moment_follows(name: str, count: int | None) -> None:
    assert state(ad(name, count)).status == STATES[(name, count)]


def test_why_a_job_was_killed_is_kept() -> None:
    assert state(ad("walltime")) == State(Status.KILLED, "It ran longer than its walltime.")


def test_a_log_without_a_submission_says_nothing() -> None:
    assert ad_of_log(CONSTANT, []) is None
    assert ad_of_log(CONSTANT, events("ok")[1:]) is None
