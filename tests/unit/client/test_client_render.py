"""Jobs as tables and outlines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from prominence.render.outline import job_outline, outline
from prominence.render.table import job_table
from prominence.render.text import clipped, duration, printable, width_of

from tests.unit.client.scripted_server import job

NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The reader sits two hours east of UTC."""
    monkeypatch.setenv("TZ", "XXX-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def long_job() -> dict[str, Any]:
    task = {"image": "docker://registry.example.org/group/project/image:1.2.3", "cmd": "python " + "x" * 10_000}
    return job(123456, "deploying", name="a name of middling length", tasks=[task], events={"createTime": NOW})


def test_a_table_shows_each_job_in_local_time() -> None:
    lines = job_table([job(), job(12, "idle", name="fit", events={"createTime": NOW - 60})], now=NOW, width=None)
    assert lines == [
        "ID  NAME  CREATED           STATUS    ELAPSED  IMAGE    CMD",
        " 7        2027-01-15 09:43  running  00:01:00  busybox  echo hello",
        "12  fit   2027-01-15 09:59  idle            -  busybox  echo hello",
    ]


def test_a_table_says_why_jobs_wait_where_one_does() -> None:
    waits = job(8, "idle", statusReason="waiting: A is full")
    comes = job(9, "deploying", statusReason="a worker is on its way at A")
    runs = job(10, "running", statusReason="Pulling image 40 %.")
    lines = job_table([waits, comes, runs], now=NOW, width=None)
    assert lines[0].endswith("CMD         REASON")
    assert lines[1].endswith("echo hello  A is full")
    assert lines[2].endswith("echo hello  a worker is on its way at A")
    assert lines[3].endswith("echo hello")
    assert "REASON" not in job_table([runs], now=NOW, width=None)[0]
    assert all(width_of(line) <= 80 for line in job_table([waits, comes], now=NOW, width=80))


def test_a_table_of_no_jobs_is_its_header() -> None:
    assert job_table([], now=NOW, width=80) == ["ID  NAME  CREATED  STATUS  ELAPSED  IMAGE  CMD"]


@pytest.mark.parametrize("width", [1, 20, 60, 80, 81, 120, 200])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    lines = job_table([long_job(), job()], now=NOW, width=width)
    assert all(width_of(line) <= width for line in lines)


def test_long_values_give_way_to_short_ones() -> None:
    line = job_table([long_job(), job()], now=NOW, width=120)[1]
    assert "123456" in line
    assert "deploying" in line
    assert "…" in line
    assert width_of(line) == 120
    assert job_table([long_job(), job()], now=NOW, width=120)[2].endswith("echo hello")


def test_a_table_is_not_cut_where_there_is_no_terminal() -> None:
    assert "x" * 10_000 in job_table([long_job()], now=NOW, width=None)[1]


def test_a_jobs_text_cannot_steer_the_terminal() -> None:
    nasty = job(tasks=[{"image": "i", "cmd": "a\nb\x1b[2J\x9b\u202e"}], name="t\tab")
    line = job_table([nasty], now=NOW, width=None)[1]
    assert line.isprintable()
    assert r"a\nb\x1b[2J\x9b\u202e" in line


def test_a_job_without_tasks_or_times_still_has_its_line() -> None:
    assert job_table([{"id": 1, "status": "failed"}], now=NOW, width=None)[1].split() == ["1", "-", "failed", "-"]


def test_wide_characters_count_as_two_columns() -> None:
    assert width_of("日本e\u0301") == 5
    assert clipped("日本語", 4) == "日…"
    assert clipped("abc", 3) == "abc"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "00:00:00"), (59.9, "00:00:59"), (3661, "01:01:01"), (90061, "1-01:01:01")],
)
def test_spans_read_as_a_clock(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"status": "completed", "events": {"startTime": NOW - 100, "endTime": NOW - 40}}, "00:01:00"),
        ({"status": "completed", "events": {"startTime": NOW - 100}}, "-"),
        ({"status": "running", "events": {"startTime": NOW + 5}}, "00:00:00"),
    ],
)
def test_elapsed_is_the_time_between_start_and_end(fields: dict[str, Any], shown: str) -> None:
    assert shown in job_table([{"id": 1, **fields}], now=NOW, width=None)[1].split()


def test_an_outline_puts_first_what_is_looked_for() -> None:
    described = job(
        policies={"maximumRetries": 1},
        inputs=[{"filename": "a.py", "content": "aGVsbG8="}],
        resources={"cpus": 2, "memory": 1.5},
        statusReason="Waiting: no free cores",
        outputFiles=[],
    )
    assert job_outline(described) == [
        "id: 7",
        'name: ""',
        "status: running",
        'statusReason: "Waiting: no free cores"',
        "events:",
        "  createTime: 2027-01-15 09:43:20",
        "  startTime: 2027-01-15 09:59:00",
        "resources:",
        "  cpus: 2",
        "  memory: 1.5",
        "tasks:",
        "  - image: busybox",
        "    cmd: echo hello",
        "policies:",
        "  maximumRetries: 1",
        "inputs:",
        "  - filename: a.py",
        "    content: (5 bytes)",
        "outputFiles: []",
    ]


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (None, ["null"]),
        (True, ["true"]),
        ("true", ['"true"']),
        ("12", ['"12"']),
        ("1.5", ['"1.5"']),
        ("- x", ['"- x"']),
        ("a # b", ['"a # b"']),
        ("a\nb", [r'"a\nb"']),
        ("\x1b[2J", [r'"\u001b[2J"']),
        (" x", ['" x"']),
        ("docker://a/b:1", ["docker://a/b:1"]),
        ({}, ["{}"]),
        ([[1, 2], {}], ["- - 1", "  - 2", "- {}"]),
        ([{"a": {"b": [1]}}], ["- a:", "    b:", "      - 1"]),
    ],
)
def test_scalars_that_could_be_misread_are_quoted(value: Any, lines: list[str]) -> None:
    assert list(outline(value)) == lines


def test_printable_text_stays_as_it_is() -> None:
    assert printable("grün 日本") == "grün 日本"


def test_an_outline_shows_what_a_running_job_does_with_times_of_the_reader() -> None:
    execution = {
        "site": "A",
        "progress": {"phase": "pullingImage", "since": NOW - 60.5, "percent": 40},
        "checkpoint": {"restored": True, "saved": 2, "lastSaved": NOW - 1000},
    }
    lines = job_outline(job(statusReason="Pulling image 40 %.", execution=execution))
    assert "statusReason: Pulling image 40 %." in lines
    assert lines[lines.index("execution:") :] == [
        "execution:",
        "  site: A",
        "  progress:",
        "    phase: pullingImage",
        "    since: 2027-01-15 09:58:59",
        "    percent: 40",
        "  checkpoint:",
        "    restored: true",
        "    saved: 2",
        "    lastSaved: 2027-01-15 09:43:20",
    ]
