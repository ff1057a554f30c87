"""What happened to a job, from HTCondor's own event log, the ad and the executor's report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from api.jobs.events import events
from pool import event_log
from pool.event_log import Kind, LogEvent

START = 1_795_437_337  # 2026-11-23 12:35:37 UTC

LOG = """\
000 (2004.000.000) 2026-11-23T12:35:37.250Z Job submitted from host: <127.72.63.1:29618?addrs=127.72.63.1-29618&alias=h.p>
...
040 (2004.000.000) 2026-11-23T12:35:39.000Z Started transferring input files
\tTransferring to host: <127.72.63.11:35721?addrs=127.72.63.11-35721&alias=worker1.prominence&noUDP&sock=slot1_2_32>
...
001 (2004.000.000) 2026-11-23T12:35:40.500Z Job executing on host: <127.72.63.11:35721?alias=worker1.prominence&noUDP>
\tSlotName: slot1_2@worker1.prominence
...
006 (2004.000.000) 2026-11-23T12:35:48.000Z Image size of job updated: 1
\t5  -  MemoryUsage of job (MB)
\t4560  -  ResidentSetSize of job (KB)
...
004 (2004.000.000) 2026-11-23T12:36:00.000Z Job was evicted.
\t(0) CPU times
\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  Run Remote Usage
\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  Run Local Usage
\t0  -  Run Bytes Sent By Job
\t25  -  Run Bytes Received By Job
...
001 (2004.000.000) 2026-11-23T12:37:00.000Z Job executing on host: <127.72.63.12:35721?alias=worker2.prominence&noUDP>
\tSlotName: slot1_1@worker2.prominence
...
012 (2004.000.000) 2026-11-23T12:38:00.000Z Job was held.
\tIts files could not be moved
\tCode 12 Subcode 0
...
013 (2004.000.000) 2026-11-23T12:39:00.000Z Job was released.
\ttried again
...
"""


def read(path: Path, text: str) -> list[LogEvent]:
    path.write_text(text)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return list(event_log.read(descriptor))
    finally:
        os.close(descriptor)


def names(found: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in found]


DEPLOYING = """\
000 (2004.000.000) 2026-11-23T12:35:37.250Z Job submitted from host: <127.72.63.1:29618>
...
033 (2004.000.000) 2026-11-23 12:35:38.000Z Setting job attribute ProminenceReasonText to "waiting: A is full"
...
033 (2004.000.000) 2026-11-23 12:35:38.100Z Setting job attribute ProminenceReason to "quota"
...
033 (2004.000.000) 2026-11-23 12:35:40.000Z Setting job attribute ProminenceReasonSite to "B"
...
033 (2004.000.000) 2026-11-23 12:35:40.001Z Changing job attribute ProminenceReason from "quota" to "deploying"
...
033 (2004.000.000) 2026-11-23 12:35:50.000Z Changing job attribute ProminenceReasonSite from "B" to "C%25"
...
033 (2004.000.000) 2026-11-23 12:36:00.000Z Changing job attribute ProminenceReason from "deploying" to "quota"
...
033 (2004.000.000) 2026-11-23 12:36:10.000Z Changing job attribute ProminenceReason from "quota" to "deploying"
...
033 (2004.000.000) 2026-11-23 12:36:10.001Z Changing job attribute ProminenceReasonSite from "C%25" to "D"
...
"""


def test_each_worker_that_is_on_its_way_is_told_of_with_its_site(tmp_path: Path) -> None:
    log = read(tmp_path / "events.log", DEPLOYING)
    waits = {"JobStatus": 1, "QDate": START, "ProminenceReason": "deploying", "ProminenceReasonText": "at %25D"}
    told = events(waits | {"LastRejMatchTime": START + 40}, None, log)
    assert [(event["event"], event["time"] - START, event.get("site")) for event in told] == [
        ("created", 0, None),
        ("deploying", pytest.approx(3.001, abs=1e-5), "B"),
        ("deploying", pytest.approx(13, abs=1e-5), "C%"),
        ("deploying", pytest.approx(33, abs=1e-5), "D"),
        ("waiting", 40, None),
    ]
    assert told[-1]["reason"] == "at %D"


def test_the_log_is_read_with_its_times(tmp_path: Path) -> None:
    log = read(tmp_path / "events.log", LOG)
    assert [entry.kind for entry in log] == [
        Kind.SUBMITTED,
        Kind.FILES_MOVED,
        Kind.EXECUTING,
        Kind.SIZE,
        Kind.EVICTED,
        Kind.EXECUTING,
        Kind.HELD,
        Kind.RELEASED,
    ]
    assert log[0].time == pytest.approx(START + 0.25)
    assert log[2].time == pytest.approx(START + 3.5)


@pytest.mark.parametrize(
    "text", ["", "garbage\n...\n001 (x\n", LOG[:-40], LOG + "005 (2004", "\0\0\0\n...\n", "...\n" * 50]
)
def test_a_log_that_is_cut_or_broken_gives_what_can_be_read(tmp_path: Path, text: str) -> None:
    assert len(read(tmp_path / "events.log", text)) in (0, 7, 8)


def test_starts_interruptions_and_holds_are_told_in_order(tmp_path: Path) -> None:
    ad = {"JobStatus": 1, "QDate": START, "EnteredCurrentStatus": START + 203}
    found = events(ad, None, read(tmp_path / "events.log", LOG))
    assert names(found) == [
        "created",
        "deployed",
        "started",
        "interrupted",
        "restarted",
        "held",
        "released",
        "waiting",
    ]
    assert found[2] == {"time": START + 3.5, "event": "started", "host": "worker1.prominence", "run": 1}
    assert (found[4]["host"], found[4]["run"]) == ("worker2.prominence", 2)
    assert (found[5]["code"], found[5]["reason"]) == (12, "Its files could not be moved")
    assert [event["time"] for event in found] == sorted(event["time"] for event in found)


def report(*tasks: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": [{"site": "local", "tasks": list(tasks)}]}


def task(begun: float, ended: float | None, code: int | None = 0, pull: float = 2.0, status: str = "completed") -> Any:
    return {
        "startTime": begun,
        "endTime": ended,
        "exitCode": code,
        "imagePullTime": pull,
        "imagePullStatus": status,
    }


def executing(when: float) -> LogEvent:
    return LogEvent(when, Kind.EXECUTING, {"ExecuteHost": "<127.0.0.1:1?alias=w.p>"})


def test_tasks_are_told_with_their_images_and_exit_codes() -> None:
    ad = {"JobStatus": 4, "QDate": START, "CompletionDate": START + 60, "ExitCode": 1}
    done = report(task(START + 10.5, START + 20, 3), task(START + 20, START + 30, 0, -1, "cached"))
    found = events(ad, done, [executing(START + 10)])
    assert names(found) == [
        "created",
        "started",
        *("imagePulled", "taskStarted", "taskEnded"),
        *("imagePulled", "taskStarted", "taskEnded"),
        "ended",
    ]
    assert found[2] == {"time": START + 12.5, "event": "imagePulled", "task": 0, "status": "completed", "seconds": 2.0}
    assert found[3] == {"time": START + 12.5, "event": "taskStarted", "task": 0, "site": "local"}
    assert found[4] == {"time": START + 20, "event": "taskEnded", "task": 0, "exitCode": 3}
    assert (found[5]["status"], found[5]["seconds"]) == ("cached", 0.0)
    assert found[-1] == {"time": START + 60, "event": "ended", "status": "completed"}


def test_a_task_that_goes_on_has_no_end_and_one_without_image_no_start() -> None:
    ad = {"JobStatus": 2, "QDate": START}
    going = events(ad, report(task(START + 10, None, None)), [executing(START + 9)])
    assert names(going) == ["created", "started", "imagePulled", "taskStarted"]
    failed = events(ad, report(task(START + 10, START + 11, None, 1.0, "failed")), [executing(START + 9)])
    assert names(failed) == ["created", "started", "imagePulled"]
    assert failed[-1]["status"] == "failed"


def test_a_workers_clock_does_not_move_its_tasks_out_of_their_run() -> None:
    ad = {"JobStatus": 4, "QDate": START, "CompletionDate": START + 60, "ExitCode": 0}
    log = [executing(START + 10), LogEvent(START + 50, Kind.FILES_MOVED, {"Type": 5})]
    for skew in (-100_000, 100_000):
        found = events(ad, report(task(START + 12 + skew, START + 20 + skew)), log)
        assert names(found) == ["created", "started", "imagePulled", "taskStarted", "taskEnded", "ended"]
        assert all(START + 10 <= event["time"] <= START + 50 for event in found[1:-1])


def test_without_a_log_the_outline_is_told() -> None:
    ad = {
        "JobStatus": 4,
        "QDate": START,
        "JobCurrentStartExecutingDate": START + 5,
        "CompletionDate": START + 9,
        "ExitCode": 0,
    }
    assert names(events(ad, None, [])) == ["created", "started", "ended"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"LastRejMatchTime": START + 30}, "No worker that could run it is free at the moment."),
        ({}, "It is waiting for its turn."),
    ],
)
def test_an_idle_job_says_why_it_waits(more: dict[str, Any], reason: str) -> None:
    found = events({"JobStatus": 1, "QDate": START, "EnteredCurrentStatus": START, **more}, None, [])
    assert names(found) == ["created", "waiting"]
    assert found[-1]["reason"] == reason


def test_the_end_says_how() -> None:
    removed = {"JobStatus": 3, "QDate": START, "EnteredCurrentStatus": START + 9, "RemoveReason": "deleted by its user"}
    found = events(removed, None, [LogEvent(START + 9, Kind.REMOVED, {"Reason": "deleted by its user"})])
    assert names(found) == ["created", "removed", "ended"]
    assert found[-1]["status"] == "deleted"


@pytest.mark.parametrize(
    "nonsense", [{}, {"nodes": 7}, {"nodes": [7]}, {"nodes": [{"tasks": {"a": 1}}]}, report({"startTime": "x"})]
)
def test_a_report_that_makes_no_sense_is_left_out(nonsense: dict[str, Any]) -> None:
    ad = {"JobStatus": 2, "QDate": START, "JobCurrentStartExecutingDate": START + 5}
    assert names(events(ad, nonsense, [])) == ["created", "started"]
