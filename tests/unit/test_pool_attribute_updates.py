"""Changes of attributes in a job's event log, as HTCondor 23.9 writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pool import event_log
from pool.ad_of_log import ad_of_log
from pool.attribute_updates import Update, updates
from pool.event_log import Kind
from pool.state import State, Status, state

WHEN = "2026-11-23 19:31:50.427Z"
HEAD = f"033 (8992.000.000) {WHEN} "
SUBMITTED = "000 (8992.000.000) 2026-11-23 19:31:50.405Z Job submitted from host: <127.71.145.1:29618>\n...\n"


def entry(text: str) -> str:
    return f"{HEAD}{text}\n...\n"


def opened(folder: Path, text: str) -> int:
    (folder / "events.log").write_text(text)
    return os.open(folder / "events.log", os.O_RDONLY)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ('Setting job attribute A to "b"', "A", "b"),
        ('Setting job attribute A to "b c to d"', "A", "b c to d"),
        ('Changing job attribute A from "x" to "y z"', "A", "y z"),
        ('Changing job attribute A from "x" to "from "y" to "z"', "A", None),
        ('Changing job attribute A from "from 1 to 2" to "3"', "A", "3"),
        ('Changing job attribute A from "say \\"x\\" to" to "y \\"z\\""', "A", 'y "z"'),
        ("Changing job attribute A from undefined to 4", "A", None),
        ("Changing job attribute A from 3 to undefined", "A", None),
        ('Setting job attribute A to "ünï"', "A", "ünï"),
    ],
)
def test_a_change_is_read_whole(tmp_path: Path, line: str, name: str, value: str | None) -> None:
    assert list(updates(opened(tmp_path, entry(line)))) == [Update(WHEN, name, value)]


def test_what_is_torn_or_strange_takes_nothing_else_along(tmp_path: Path) -> None:
    text = entry("Something else") + entry('Setting job attribute A to "b"') + f"{HEAD}Setting job attr"
    assert list(updates(opened(tmp_path, text))) == [None, Update(WHEN, "A", "b"), None]


@pytest.mark.parametrize(
    "text", ["033 " * 100_000, 'x"' * 100_000, HEAD + 'Changing job attribute A from "' + '\\"' * 100_000]
)
def test_a_log_that_a_worker_made_up_costs_no_time(tmp_path: Path, text: str) -> None:
    assert all(update is None for update in updates(opened(tmp_path, text)))


def said(folder: Path, *lines: str) -> State:
    descriptor = opened(folder, SUBMITTED + "".join(map(entry, lines)))
    try:
        log = list(event_log.read(descriptor))
    finally:
        os.close(descriptor)
    assert [event.kind for event in log] == [Kind.SUBMITTED, *(Kind.ATTRIBUTE for _ in lines)]
    assert [event.time for event in log[1:]] == [pytest.approx(log[0].time + 0.022)] * len(lines)
    ad = ad_of_log({}, log)
    assert ad is not None
    return state(ad)


def test_however_often_the_reason_changed_what_came_then_is_seen(tmp_path: Path) -> None:
    lines = [
        f'Setting job attribute ProminenceReasonText to "waiting: {number}"' for number in range(event_log.MOST + 1)
    ]
    runs = "001 (8992.000.000) 2026-11-23 19:32:50.405Z Job executing on host: <127.71.145.1:29618>\n...\n"
    descriptor = opened(tmp_path, SUBMITTED + "".join(map(entry, lines)) + runs)
    try:
        ad = ad_of_log({}, event_log.read(descriptor))
    finally:
        os.close(descriptor)
    assert ad is not None
    assert state(ad) == State(Status.RUNNING)


def test_the_reason_is_the_last_that_was_given(tmp_path: Path) -> None:
    text = 'Setting job attribute ProminenceReasonText to "waiting: site A%27s quota is full (100 %25)"'
    code = 'Setting job attribute ProminenceReason to "quota"'
    waits = State(Status.IDLE, "waiting: site A's quota is full (100 %)")
    assert said(tmp_path, text, code) == waits
    assert said(tmp_path, text, code, 'Setting job attribute JobPrio to "9"') == waits
    comes = 'Changing job attribute ProminenceReason from "quota" to "deploying"'
    assert said(tmp_path, text, code, comes) == State(Status.DEPLOYING, waits.reason)
    gone = 'Changing job attribute ProminenceReasonText from "waiting: x" to undefined'
    assert said(tmp_path, text, code, gone) == State(Status.IDLE)
