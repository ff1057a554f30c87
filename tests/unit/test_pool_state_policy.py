"""Users are told what the pool's policy does: for each ad, state and condor_config/policy.conf agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import classad2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_provisioner.planning.reasons import Reason
from pool.state import DEPLOYING, PROJECTION, TRIES, Status, state
from worker.exitcodes import ExitCode

_POLICY = Path(__file__).parents[2] / "condor_config" / "policy.conf"
_ENDED = (Status.COMPLETED, Status.FAILED, Status.KILLED, Status.DELETED)
_LONG_AGO = int(time.time()) - 3600

Ad = dict[str, Any]


@pytest.fixture(scope="module")
def policy() -> dict[str, str]:
    """The policy's knobs as HTCondor's own configuration code reads them."""
    program = (
        "import htcondor2, json\n"
        "names = [f'SYSTEM_PERIODIC_{what}_NAMES' for what in ('REMOVE', 'RELEASE')]\n"
        "knobs = [name.replace('NAMES', part) for name in names for part in htcondor2.param[name].split()]\n"
        "print(json.dumps({knob: htcondor2.param[knob] for one in knobs for knob in (one, one + '_REASON')}))\n"
    )
    environ = {"CONDOR_CONFIG": str(_POLICY), "PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    return dict(json.loads(done.stdout))


def held(code: int, holds: int = 1, **more: Any) -> Ad:
    return {
        "JobStatus": 5,
        "HoldReasonCode": code,
        "HoldReason": "it was put on hold",
        "NumHolds": holds,
        "EnteredCurrentStatus": _LONG_AGO,
        "ProminenceUser": "alice",
        **more,
    }


def says(expression: str, ad: Ad) -> bool:
    return classad2.ExprTree(expression).eval(classad2.ClassAd(ad)) is True


HELD = [held(code, holds) for code in (3, 6, 12, 13, 34, 46, 47) for holds in (1, TRIES - 1, TRIES)]


@pytest.mark.parametrize("ad", HELD, ids=[f"code {ad['HoldReasonCode']}, hold {ad['NumHolds']}" for ad in HELD])
def test_a_held_job_is_shown_as_ended_if_and_only_if_the_policy_removes_it(ad: Ad, policy: dict[str, str]) -> None:
    removed = says(policy["SYSTEM_PERIODIC_REMOVE_Held"], ad)
    released = [name for name in ("Transfer", "Worker") if says(policy[f"SYSTEM_PERIODIC_RELEASE_{name}"], ad)]
    assert (state(ad).status in _ENDED) == removed
    assert len(released) == (0 if removed else 1)


@pytest.mark.parametrize("ad", HELD, ids=[f"code {ad['HoldReasonCode']}, hold {ad['NumHolds']}" for ad in HELD])
def test_a_job_that_was_removed_from_hold_is_shown_as_it_was_on_hold(ad: Ad, policy: dict[str, str]) -> None:
    if says(policy["SYSTEM_PERIODIC_REMOVE_Held"], ad):
        reason = policy["SYSTEM_PERIODIC_REMOVE_Held_REASON"].strip('"')
        removed = {"JobStatus": 3, "RemoveReason": reason}
        moved = {"LastHoldReason": ad["HoldReason"], "LastHoldReasonCode": ad["HoldReasonCode"]}
        later = {name: value for name, value in ad.items() if not name.startswith("HoldReason")}
        assert state(ad | removed) == state(later | removed | moved) == state(ad)


def test_a_job_that_an_operator_holds_is_neither_removed_nor_released(policy: dict[str, str]) -> None:
    ad = held(1)
    assert not says(policy["SYSTEM_PERIODIC_REMOVE_Held"], ad)
    assert not any(says(policy[f"SYSTEM_PERIODIC_RELEASE_{name}"], ad) for name in ("Transfer", "Worker"))
    assert state(ad).status == Status.IDLE


def test_the_reason_for_waiting_too_long_is_understood(policy: dict[str, str]) -> None:
    ad = {"JobStatus": 3, "RemoveReason": policy["SYSTEM_PERIODIC_REMOVE_QueueTime_REASON"].strip('"')}
    assert state(ad).status == Status.FAILED
    assert "maximumTimeInQueue" in state(ad).reason


@pytest.mark.parametrize(
    ("more", "removed"),
    [
        ({"ProminenceMaximumTimeInQueue": 60}, True),
        ({"ProminenceMaximumTimeInQueue": 7200}, False),
        ({}, False),
        ({"ProminenceMaximumTimeInQueue": 60, "NumJobStarts": 1}, False),
        ({"ProminenceMaximumTimeInQueue": 60, "JobStatus": 2}, False),
    ],
)
def test_only_a_job_that_never_started_waits_too_long(more: Ad, removed: bool, policy: dict[str, str]) -> None:
    ad = {"JobStatus": 1, "NumJobStarts": 0, "QDate": _LONG_AGO, **more}
    assert says(policy["SYSTEM_PERIODIC_REMOVE_QueueTime"], ad) == removed


@pytest.mark.parametrize("code", list(Reason))
def test_a_job_that_is_not_to_wait_goes_unless_a_worker_is_there_or_about_to_come(
    code: Reason, policy: dict[str, str]
) -> None:
    comes = (Reason.MATCHING, Reason.DEPLOYING, Reason.STARTING, Reason.PROBING, Reason.UNKNOWN)
    waits = {"ProminenceReason": str(code), "ProminenceReasonText": "waiting: 100 %25 of A is used"}
    ad = {"JobStatus": 1, "NumJobStarts": 0, "QDate": _LONG_AGO, "ProminenceMaximumTimeInQueue": 0, **waits}
    knob = policy["SYSTEM_PERIODIC_REMOVE_NotToWait"]
    assert says(knob, ad) == (code not in comes)
    assert not says(policy["SYSTEM_PERIODIC_REMOVE_QueueTime"], ad)
    for change in ({"NumJobStarts": 1}, {"JobStatus": 2}, {"ProminenceMaximumTimeInQueue": 60}):
        assert not says(knob, ad | change)
    for name in ("ProminenceMaximumTimeInQueue", "ProminenceReason"):
        assert not says(knob, {key: value for key, value in ad.items() if key != name})


def test_the_user_is_told_why_there_was_no_worker(policy: dict[str, str]) -> None:
    waits = {"ProminenceReasonText": "waiting: 100 %25 of A is used"}
    reason = classad2.ExprTree(policy["SYSTEM_PERIODIC_REMOVE_NotToWait_REASON"]).eval(classad2.ClassAd(waits))
    shown = state({"JobStatus": 3, "RemoveReason": reason})
    assert shown.status == Status.FAILED
    assert shown.reason == (
        "It was not to wait (its maximumTimeInQueue is 0), and no worker could be had: 100 % of A is used."
    )


def test_the_code_of_a_worker_on_its_way_is_the_provisioners() -> None:
    assert DEPLOYING == Reason.DEPLOYING


def test_a_job_that_did_not_come_through_the_api_stays_on_hold(policy: dict[str, str]) -> None:
    operators = {"JobStatus": 5, "HoldReasonCode": 1, "NumHolds": 1, "EnteredCurrentStatus": _LONG_AGO}
    assert not says(policy["SYSTEM_PERIODIC_REMOVE_Held"], operators)


_NO_FAILURES = (ExitCode.OK, ExitCode.TASK_FAILED, ExitCode.DELETED)


@pytest.mark.parametrize("code", [code for code in ExitCode if code not in _NO_FAILURES])
def test_every_failure_of_the_executor_is_a_failed_or_killed_job_with_a_sentence(code: ExitCode) -> None:
    shown = state({"JobStatus": 4, "ExitCode": int(code)})
    assert shown.status == (Status.KILLED if code == ExitCode.MEMORY else Status.FAILED)
    assert shown.reason.endswith(".")


_NUMBERS = st.none() | st.integers(-1, 80)
_TEXTS = st.none() | st.text(max_size=30)
_ADS = st.fixed_dictionaries(
    {},
    optional={
        "JobStatus": st.integers(0, 8),
        "ExitCode": _NUMBERS,
        "ExitBySignal": st.none() | st.booleans(),
        "ExitSignal": _NUMBERS,
        "HoldReason": _TEXTS,
        "HoldReasonCode": _NUMBERS,
        "NumHolds": _NUMBERS,
        "RemoveReason": _TEXTS,
        "ProminenceReason": _TEXTS | st.just(DEPLOYING),
        "ProminenceReasonText": _TEXTS,
    },
)
_REPORTS = st.none() | st.fixed_dictionaries({"reason": _TEXTS | st.fixed_dictionaries({"message": st.text()})})


@given(_ADS, _REPORTS)
def test_every_ad_has_a_state_and_what_failed_has_a_reason(ad: Ad, report: Ad | None) -> None:
    shown = state(ad, report)
    assert (shown.status in (Status.FAILED, Status.KILLED)) <= bool(shown.reason)


class Watched(dict[str, Any]):
    """An ad that remembers which attributes were asked for."""

    def __init__(self, ad: Ad) -> None:
        super().__init__(ad)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


@given(_ADS)
def test_no_attribute_is_looked_at_that_queries_do_not_ask_for(ad: Ad) -> None:
    watched = Watched(ad)
    state(watched)
    assert watched.asked <= set(PROJECTION)
