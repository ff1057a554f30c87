"""Policies and notifications."""

from collections.abc import Callable
from typing import Any

import pytest

from api.documents import InvalidDocument, Job

DEFAULTS = {
    "maximumRetries": 0,
    "maximumTaskRetries": 0,
    "maximumTimeInQueue": -1,
    "leaveInQueue": False,
    "ignoreTaskFailures": False,
    "reportJobSuccessOnTaskFailure": False,
    "runSerialTasksOnAllNodes": False,
    "priority": 0,
    "autoScalingType": None,
    "preemptible": False,
    "maximumIdleTimePerResource": None,
    "placement": {
        "requirements": None,
        "preferences": None,
    },
}
FLAGS = [name for name, value in DEFAULTS.items() if value is False]

ACCEPTED: list[tuple[str, Any]] = [
    ("maximumRetries", 0),
    ("maximumRetries", 6),
    ("maximumTaskRetries", 6),
    ("maximumTimeInQueue", -1),
    ("maximumTimeInQueue", 0),
    ("maximumTimeInQueue", 44_640),
    *[(flag, value) for flag in FLAGS for value in (True, False)],
    ("priority", -5),
    ("priority", 2_147_483_647),
    *[("autoScalingType", value) for value in (None, "none", "dedicated", "shared")],
    *[("maximumIdleTimePerResource", value) for value in (None, 0, 44_640)],
    ("placement", {}),
    ("placement", {"requirements": {"sites": ["A", "B"], "regions": []}, "preferences": {"regions": ["x y"]}}),
]
REFUSED: list[tuple[str, Any, str]] = [
    *[(name, bad, "") for name in ("maximumRetries", "maximumTaskRetries") for bad in (-1, 7, "1", True, 1.0, None)],
    *[("maximumTimeInQueue", bad, "") for bad in (-2, 44_641, "0", False, 1.5, None)],
    *[(flag, bad, "") for flag in FLAGS for bad in ("true", 1, 0, None)],
    *[("priority", bad, "") for bad in ("1", True, 1.0, None, 2**31, -(2**31), 10**30)],
    *[("autoScalingType", bad, "") for bad in ("", "None", False, 0, ["none"])],
    *[("maximumIdleTimePerResource", bad, "") for bad in (-1, 44_641, "1", True, 1.0)],
    *[("placement", bad, "") for bad in (None, ["A"], "A")],
    ("placement", {"requirements": ["A"]}, ".requirements"),
    ("placement", {"requirements": None}, ".requirements"),
    ("placement", {"preferences": {"sites": "A"}}, ".preferences.sites"),
    ("placement", {"preferences": {"sites": ["A", ""]}}, ".preferences.sites[1]"),
    ("placement", {"preferences": {"regions": ["a\n"]}}, ".preferences.regions[0]"),
    ("placement", {"preferences": {"regions": [1]}}, ".preferences.regions[0]"),
    ("placement", {"preferences": {"sites": ["A"] * 1001}}, ".preferences.sites"),
    ("placement", {"sites": ["A"]}, ".sites"),
    ("ignoreTaskTailures", True, ""),
]


@pytest.mark.parametrize(("policy", "value"), ACCEPTED)
def test_policies_of_the_contract_are_accepted(accepted: Callable[..., Job], policy: str, value: Any) -> None:
    policies = accepted(("policies", policy), value).policies
    assert policies.model_dump(mode="json", by_alias=True, exclude_unset=True)[policy] == value


@pytest.mark.parametrize(("policy", "value", "inner"), REFUSED)
def test_other_policies_are_refused_by_field(
    refused: Callable[..., InvalidDocument], policy: str, value: Any, inner: str
) -> None:
    assert refused(("policies", policy), value).field == f"policies.{policy}{inner}"


@pytest.mark.parametrize("place", [("name",), ("policies",)])
def test_policies_left_out_have_the_documented_defaults(accepted: Callable[..., Job], place: tuple[str, ...]) -> None:
    policies = accepted(place, "a" if place == ("name",) else {}).policies
    assert policies.model_dump(mode="json", by_alias=True) == DEFAULTS


@pytest.mark.parametrize(
    ("notifications", "field"),
    [
        (None, "notifications"),
        ({}, "notifications"),
        (["jobFinished"], "notifications[0]"),
        ([{}], "notifications[0].event"),
        ([{"event": "jobFinished"}], "notifications[0].type"),
        ([{"event": "workflowFinished", "type": "email"}], "notifications[0].event"),
        ([{"event": "jobFinished", "type": "sms"}], "notifications[0].type"),
        ([{"event": "jobFinished", "type": "email", "to": "a@b"}], "notifications[0].to"),
    ],
)
def test_other_notifications_are_refused_by_field(
    refused: Callable[..., InvalidDocument], notifications: Any, field: str
) -> None:
    assert refused(("notifications",), notifications).field == field


def test_an_email_when_the_job_is_finished_is_accepted(accepted: Callable[..., Job]) -> None:
    job = accepted(("notifications",), [{"event": "jobFinished", "type": "email"}])
    assert [(entry.event, entry.type) for entry in job.notifications] == [("jobFinished", "email")]
