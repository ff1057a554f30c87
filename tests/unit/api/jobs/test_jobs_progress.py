"""What a running job is said to do: the executor's word, checked, in fields, a sentence and an event."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from api.jobs import view
from api.jobs.events import events
from api.jobs.progress import SENTENCES, progress, run_of, sentence
from api.jobs.sandbox import PROGRESS_FILE, Sandbox
from tests.unit.api.jobs.test_jobs_view import NODE, REPORT, TASK, started
from worker import progress as executor
from worker.live import PROGRESS_FILE as WRITTEN

BEGAN = 1000.0
PULLING = {"phase": "pullingImage", "since": 1003.5, "task": 0, "item": "busybox", "percent": 40}


def test_the_service_knows_every_phase_of_the_executor_and_where_it_writes() -> None:
    phases = {value for name, value in vars(executor).items() if name.isupper() and isinstance(value, str)}
    assert phases == set(SENTENCES)
    assert WRITTEN == PROGRESS_FILE


@pytest.mark.parametrize(
    ("said", "tasks", "expected"),
    [
        ({"phase": "stagingIn"}, 1, "Fetching its files."),
        ({"phase": "stagingIn", "item": "input.tgz", "percent": 7}, 2, "Fetching its files 7 %."),
        ({"phase": "pullingImage", "task": 0, "item": "busybox"}, 1, "Pulling image."),
        ({"phase": "pullingImage", "task": 0, "percent": 40}, 1, "Pulling image 40 %."),
        ({"phase": "pullingImage", "task": 1, "percent": 0}, 3, "Pulling image 0 % for task 2 of 3."),
        ({"phase": "runningTask", "task": 0}, 1, ""),
        ({"phase": "runningTask", "task": 1}, 3, "Running task 2 of 3."),
        ({"phase": "restoringCheckpoint", "percent": 99}, 1, "Bringing back its checkpoint 99 %."),
        ({"phase": "stagingOut", "item": "a.dat", "percent": 100}, 1, "Storing its outputs 100 %."),
        ({"phase": "savingCheckpoint"}, 1, "Saving its checkpoint before it moves to another worker."),
    ],
)
def test_a_phase_becomes_a_sentence(said: dict[str, Any], tasks: int, expected: str) -> None:
    moment = progress({"since": 1003.5, **said}, BEGAN)
    assert moment == {"since": 1003.5, **said}
    assert sentence(moment, tasks) == expected


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"phase": "dancing", "since": 1.0},
        {"phase": ["pullingImage"], "since": 1.0},
        {"phase": "pullingImage"},
        {"phase": "pullingImage", "since": "now"},
        {"phase": "pullingImage", "since": True},
        {"phase": "pullingImage", "since": 10**400},
    ],
)
def test_what_makes_no_sense_is_not_shown(said: dict[str, Any] | None) -> None:
    assert progress(said, BEGAN) is None


def test_parts_that_make_no_sense_are_left_out_and_a_slow_clock_is_put_right() -> None:
    said = {"phase": "pullingImage", "since": 5, "task": -1, "item": 7, "percent": 101, "more": "x"}
    assert progress(said, BEGAN) == {"phase": "pullingImage", "since": BEGAN}
    assert progress({**PULLING, "item": "x" * 600}, BEGAN) == {**PULLING, "item": "x" * 512}


@pytest.mark.parametrize(
    ("status", "since"), [(1, None), (2, BEGAN), (3, None), (4, None), (5, None), (6, None), (None, None)]
)
def test_only_a_job_that_runs_its_tasks_does_something_at_the_moment(status: int | None, since: float | None) -> None:
    assert run_of({"JobStatus": status, "EnteredCurrentStatus": int(BEGAN)}) == since


@pytest.mark.parametrize(("written", "shown"), [(-5.0, False), (-1.5, False), (-0.5, True), (0.0, True), (60.0, True)])
def test_what_an_earlier_run_said_is_not_the_present_one(tmp_path: Path, written: float, shown: bool) -> None:
    file = tmp_path / PROGRESS_FILE
    file.write_text(json.dumps(PULLING))
    os.utime(file, (BEGAN + written, BEGAN + written))
    assert Sandbox(tmp_path).progress(BEGAN) == (PULLING if shown else None)


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"phase"', b'{"since": NaN}', b" " * 70_000 + b"{}", None])
def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        (tmp_path / PROGRESS_FILE).symlink_to("/etc/passwd")
    else:
        (tmp_path / PROGRESS_FILE).write_bytes(content)
    assert Sandbox(tmp_path).progress(0.0) is None


def test_a_described_job_says_what_it_does() -> None:
    shown = view.job(started(2), REPORT, True, PULLING)
    assert shown["statusReason"] == "Pulling image 40 %."
    execution = shown["execution"]
    assert isinstance(execution, dict)
    assert execution["progress"] == PULLING
    assert "execution" not in view.job(started(2), None, True, PULLING)
    assert "statusReason" not in view.job(started(2), REPORT, True)


def test_the_last_event_says_what_a_job_does_unless_its_task_runs() -> None:
    ad = {"JobStatus": 2, "QDate": 990, "JobCurrentStartExecutingDate": 1000}
    assert events(ad, None, [], PULLING)[-1] == {
        "time": 1003.5,
        "event": "pullingImage",
        "task": 0,
        "item": "busybox",
        "percent": 40,
    }
    assert [event["event"] for event in events(ad, None, [], {"phase": "runningTask", "since": 1.0})] == [
        "created",
        "started",
    ]


CHECKPOINT = {"restored": 1001.0, "saved": 2, "lastSaved": 1500.25, "size": 184, "warning": ""}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (CHECKPOINT, {"restored": True, "saved": 2, "lastSaved": 1500.25, "size": 184}),
        (
            {"restored": None, "saved": 0, "lastSaved": None, "size": None, "warning": "No."},
            {"restored": False, "saved": 0, "warning": "No."},
        ),
        ({"saved": "x", "lastSaved": [], "warning": 3}, {"restored": False, "saved": 0}),
        (None, None),
        ("x", None),
    ],
)
def test_a_described_job_says_what_became_of_its_checkpoints(told: object, expected: object) -> None:
    document = {"tasks": [TASK], "checkpoint": {"files": ["a"]}}
    given = started(2) | {"ProminenceJob": json.dumps(document)}
    shown = view.job(given, {"nodes": [{**NODE, "checkpoint": told}]}, detail=True)
    execution = shown["execution"]
    assert isinstance(execution, dict)
    assert execution.get("checkpoint") == expected
    assert shown["checkpoint"] == {"files": ["a"]}


def test_events_tell_of_checkpoints() -> None:
    ad = {"JobStatus": 2, "QDate": 990, "JobCurrentStartExecutingDate": 1000}
    found = events(ad, {"nodes": [{"checkpoint": CHECKPOINT}]}, [])
    broken = {"nodes": [{"checkpoint": {"restored": 10**400, "lastSaved": "x"}, "tasks": [{"startTime": 10**400}]}]}
    assert len(events(ad, broken, [])) == 2
    assert [(event["event"], event["time"]) for event in found][2:] == [
        ("checkpointRestored", 1001.0),
        ("checkpointSaved", 1500.25),
    ]
