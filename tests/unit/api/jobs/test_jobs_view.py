"""A job as the API shows it: an ad and a report on one side, the JSON of the contract on the other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.jobs import view
from pool.attributes import DELETED_BY_USER, TAKEN_OUT_BY_USER

Document = dict[str, Any]

TASK = {"image": "busybox", "cmd": "true"}
DOCUMENT: Document = {
    "name": "fit",
    "labels": {"project": "x"},
    "resources": {"cpus": 1, "memory": 1},
    "tasks": [TASK],
    "inputs": [{"filename": "in.txt"}],
    "policies": {"maximumRetries": 1},
}
CREATED, STARTED, ENDED = 1000, 1010, 1070
TASK_REPORT = {
    "exitCode": 0,
    "retries": 0,
    "imagePullTime": -1,
    "imagePullStatus": "completed",
    "imageSha256": "ab",
    "wallTimeUsage": 1.5,
    "cpuTimeUsage": 0.5,
    "maxResidentSetSizeKB": 900,
    "readBytes": 512,
    "writtenBytes": 1024,
}
REPORT: Document = {
    "version": 1,
    "state": "completed",
    "reason": None,
    "nodes": [
        {
            "node": 0,
            "site": "A",
            "hostname": "worker1",
            "cpu": {"vendor": "v", "model": "m", "clock": 2000.0},
            "runtimeVersion": {"singularity": "1.4.5"},
            "provisionedResources": {"cpus": 1, "memory": 1.0, "disk": 10.0},
            "run": {"number": 2, "retries": 0, "interruptions": 1},
            "maxMemoryUsageKB": 2048,
            "stageInTime": 0.25,
            "stageOutTime": 0.5,
            "tasks": [{**TASK_REPORT, "startTime": 1.0, "endTime": 2.0}],
        }
    ],
}
NODE: Document = REPORT["nodes"][0]
EXECUTION = {
    "site": "A",
    "retries": 0,
    "interruptions": 1,
    "provisionedResources": {"cpus": 1, "memory": 1.0, "disk": 10.0, "nodes": 1},
    "cpu": {"vendor": "v", "model": "m", "clock": 2000.0},
    "runtimeVersion": {"singularity": "1.4.5"},
    "stageInTime": 0.25,
    "stageOutTime": 0.5,
    "tasks": [TASK_REPORT],
    "maxMemoryUsageKB": 4096,
}


def ad(status: int, document: Document | None = None, **more: Any) -> Document:
    """The ad of job 7 as the queue has it."""
    text = json.dumps(DOCUMENT if document is None else document)
    return {"ClusterId": 7, "JobStatus": status, "QDate": CREATED, "ProminenceJob": text, **more}


def shown(status: str, reason: str = "", **events: int) -> Document:
    said = {"statusReason": reason} if reason else {}
    return {"id": 7, "name": "fit", "status": status, **said, "tasks": [TASK], "events": events}


def started(status: int, **more: Any) -> Document:
    return ad(status, JobCurrentStartExecutingDate=STARTED, **more)


FAILED = {"reason": {"code": "imageNotFound", "message": "There is no image x."}}

LISTED: list[tuple[str, Document, Document | None, Document]] = [
    ("idle", ad(1), None, shown("idle", createTime=CREATED)),
    ("running", started(2), None, shown("running", createTime=CREATED, startTime=STARTED)),
    (
        "completed",
        started(4, ExitCode=0, CompletionDate=ENDED, EnteredCurrentStatus=ENDED + 1),
        None,
        shown("completed", createTime=CREATED, startTime=STARTED, endTime=ENDED),
    ),
    (
        "completed with a task that failed",
        started(4, ExitCode=1, CompletionDate=ENDED),
        {"reason": {"code": "taskFailed", "message": "The task exited with code 7."}},
        shown("completed", "The task exited with code 7.", createTime=CREATED, startTime=STARTED, endTime=ENDED),
    ),
    (
        "failed, with a report",
        started(4, ExitCode=65, CompletionDate=ENDED),
        FAILED,
        shown("failed", "There is no image x.", createTime=CREATED, startTime=STARTED, endTime=ENDED),
    ),
    (
        "failed, without a report",
        started(4, ExitCode=65, CompletionDate=ENDED),
        None,
        shown("failed", "A container image could not be had.", createTime=CREATED, startTime=STARTED, endTime=ENDED),
    ),
    (
        "completed, left in the queue and taken out of it",
        started(3, ExitCode=0, RemoveReason=TAKEN_OUT_BY_USER, CompletionDate=ENDED, EnteredCurrentStatus=ENDED + 9),
        None,
        shown("completed", createTime=CREATED, startTime=STARTED, endTime=ENDED),
    ),
    (
        "killed while it ran",
        started(3, HoldReasonCode=46, RemoveReason="could not go on", CompletionDate=0, EnteredCurrentStatus=ENDED),
        None,
        shown("killed", "It ran longer than its walltime.", createTime=CREATED, startTime=STARTED, endTime=ENDED),
    ),
    (
        "deleted before it started",
        ad(3, RemoveReason=DELETED_BY_USER, CompletionDate=0, EnteredCurrentStatus=ENDED),
        None,
        shown("deleted", createTime=CREATED, endTime=ENDED),
    ),
    (
        "held to be tried again",
        ad(5, HoldReasonCode=13, NumHolds=1, EnteredCurrentStatus=ENDED),
        None,
        shown("idle", "Its files could not be moved; that is tried again in a minute.", createTime=CREATED),
    ),
    ("without a name", ad(1, {"tasks": [TASK]}), None, shown("idle", createTime=CREATED) | {"name": ""}),
]


@pytest.mark.parametrize(("what", "given", "report", "expected"), LISTED, ids=[row[0] for row in LISTED])
def test_a_job_in_a_list(what: str, given: Document, report: Document | None, expected: Document) -> None:
    assert view.job(given, report, detail=False) == expected


def test_a_described_job_shows_its_document_and_what_became_of_it() -> None:
    given = started(4, ExitCode=0, CompletionDate=ENDED, NumJobCompletions=1, ResidentSetSize=4096)
    expected = shown("completed", createTime=CREATED, startTime=STARTED, endTime=ENDED)
    fields = {name: DOCUMENT[name] for name in ("resources", "labels", "policies", "inputs")}
    assert view.job(given, REPORT, detail=True) == {**expected, **fields, "execution": EXECUTION}


def test_a_described_job_without_a_report_has_no_execution() -> None:
    described = view.job(ad(1), None, detail=True)
    assert described["resources"] == DOCUMENT["resources"]
    assert "execution" not in described


@pytest.mark.parametrize(
    ("given", "retries"),
    [
        (started(4, ExitCode=0), 0),
        (started(4, ExitCode=0, NumJobCompletions=1), 0),
        (started(4, ExitCode=0, NumJobCompletions=3), 2),
        (started(2, NumJobCompletions=0), 0),
        (started(2, NumJobCompletions=1), 1),
        (started(6, NumJobCompletions=2), 2),
        (started(1, NumJobCompletions=1), 0),
    ],
)
def test_without_the_word_of_a_worker_retries_are_the_runs_after_the_first(given: Document, retries: int) -> None:
    execution = view.job(given, {"nodes": [{**NODE, "run": None}]}, detail=True)["execution"]
    assert isinstance(execution, dict)
    assert execution["retries"] == retries


def test_the_last_run_says_what_the_runs_before_it_were() -> None:
    runs = {"number": 5, "retries": 1, "interruptions": 3}
    for status in (2, 4):
        given = started(status, ExitCode=0, NumJobCompletions=4)
        execution = view.job(given, {"nodes": [{**NODE, "run": runs}]}, detail=True)["execution"]
        assert isinstance(execution, dict)
        assert (execution["retries"], execution["interruptions"]) == (1, 3)


@pytest.mark.parametrize(("seen", "told", "most"), [(4096, 900, 4096), (None, 900, 900), (10, 900, 900), (10, "x", 10)])
def test_the_most_memory_is_what_the_pool_or_the_worker_saw(seen: int | None, told: object, most: int) -> None:
    given = started(4, ExitCode=0, CompletionDate=ENDED, ResidentSetSize=seen)
    execution = view.job(given, {"nodes": [{**NODE, "maxMemoryUsageKB": told}]}, detail=True)["execution"]
    assert isinstance(execution, dict)
    assert execution["maxMemoryUsageKB"] == most


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"reason": "x", "nodes": None},
        {"reason": {"message": None}, "nodes": "x"},
        {"nodes": []},
        {"nodes": [None, 3]},
        {"nodes": [{}]},
        {"nodes": [{**NODE, "provisionedResources": "x"}]},
        {"nodes": [{**NODE, "provisionedResources": [1]}]},
        {"nodes": [{**NODE, "tasks": 3}]},
        {"nodes": [{**NODE, "tasks": {"exitCode": 0}}]},
        {"nodes": [{**NODE, "tasks": [None, "x", {}]}]},
        {"nodes": [{**NODE, "cpu": 1, "site": None, "runtimeVersion": []}]},
    ],
)
@pytest.mark.parametrize("status", [2, 4])
def test_a_report_that_makes_no_sense_spoils_no_answer(report: Document, status: int) -> None:
    described = view.job(started(status, ExitCode=0, CompletionDate=ENDED), report, detail=True)
    assert described["status"] in ("running", "completed")
    assert described["tasks"] == [TASK]


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        (ad(1), False),
        (started(2), False),
        (started(4, ExitCode=0), False),
        (started(4, ExitCode=65), True),
        (started(4, ExitBySignal=True, ExitSignal=9), True),
        (started(3, ExitCode=65, RemoveReason=TAKEN_OUT_BY_USER), True),
        (started(3, ExitCode=0, RemoveReason=TAKEN_OUT_BY_USER), False),
        (ad(3, RemoveReason="waited longer than its maximumTimeInQueue"), False),
    ],
)
def test_a_list_reads_a_report_only_where_it_says_why_a_job_failed(given: Document, needed: bool) -> None:
    assert view.wants_report(given) == needed


def test_the_attributes_asked_for_are_those_that_are_looked_at() -> None:
    """A list asks the queue for LISTED alone: an ad with these and no others gives the same answer."""
    full = started(4, ExitCode=0, CompletionDate=ENDED, NumJobCompletions=2, ResidentSetSize=1, ProminenceUser="alice")
    assert view.job({name: full[name] for name in full if name in view.LISTED}, None, detail=False) == view.job(
        full, None, detail=False
    )
    assert view.job({name: full[name] for name in full if name in view.DESCRIBED}, REPORT, detail=True) == view.job(
        full, REPORT, detail=True
    )
