"""Whatever a user writes comes out of the queue as it went in, and none of it is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(120)

AWKWARD = [
    'a"b',
    "$(DOLLAR) $(x) $$(Cpus) $ENV(HOME)",
    "back\\slash",
    'back\\"quote',
    "ends with \\",
    '" && true || "',
    "ünïcödé ☃ 𝄞",
    "line\nbreak\ttab",
    "'single' `tick` ;|&<>",
    "{[ClusterId=1]} = undefined",
]


def test_awkward_text_comes_back_as_it_went_in(user: Callable[..., Any]) -> None:
    alice = user()
    tasks = [{"image": "/images/busybox", "cmd": "true", "env": {"TEXT": text}} for text in AWKWARD]
    resources = {"cpus": 1, "memory": 0.25, "disk": 1}
    placement = {"requirements": {"sites": ["local", "a-b.c"]}}
    document = {"resources": resources, "tasks": tasks, "labels": {"k": "ü_1"}, "policies": {"placement": placement}}
    answer = alice.call("POST", "/jobs", json=document)
    assert answer.status_code == 201, answer.text
    number = answer.json()["id"]
    shown = alice.describe(number)
    assert [task["env"]["TEXT"] for task in shown["tasks"]] == AWKWARD
    assert shown["labels"] == {"k": "ü_1"}
    assert [job["id"] for job in alice.call("GET", "/jobs", params={"all": "", "constraint": "k=ü_1"}).json()] == [
        number
    ]
    assert alice.wait(number)["status"] == "completed"


def test_a_subject_of_quotes_and_backslashes_owns_its_job(user: Callable[..., Any]) -> None:
    odd = user('x"\\" || true || "', groups=("vo.example.eu",))
    number = odd.submit("true")
    assert [job["id"] for job in odd.call("GET", "/jobs").json()] in ([number], [])
    assert odd.wait(number)["status"] == "completed"
    assert [job["id"] for job in odd.call("GET", "/jobs?all").json()] == [number]


def test_a_job_with_a_very_large_document_runs(user: Callable[..., Any]) -> None:
    alice = user()
    tasks = [{"image": "/images/busybox", "cmd": "true " + "x" * 90_000} for _ in range(20)]
    document = {"resources": {"cpus": 1, "memory": 0.25, "disk": 1}, "tasks": tasks}
    answer = alice.call("POST", "/jobs", json=document)
    assert answer.status_code == 201, answer.text
    assert alice.wait(answer.json()["id"])["status"] == "completed"
