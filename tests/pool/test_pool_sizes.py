"""Jobs that leave their size open get what their worker has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from deploy.home import from_environment
from deploy.instance import Instance
from tests.pool.conftest import EXPENDABLE_PORT, User, a_home, running

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """One whose worker is all free: nobody has killed a schedd here, which may leave a slot taken for a long time."""
    home = a_home("sizes")
    yield from running(replace(from_environment(os.environ), home=home, port=EXPENDABLE_PORT, workers=1, worker_cpus=4))


def ran(somebody: User, number: int) -> tuple[int, dict[str, str]]:
    """The CPUs that a job got, and what its task found of its size."""
    shown = somebody.wait(number)
    assert shown["status"] == "completed", shown
    lines = (line.partition("=") for line in somebody.stdout(number).splitlines())
    seen = {name: value for name, _, value in lines if name in ("PROMINENCE_CPUS", "PROMINENCE_MEMORY")}
    return int(shown["execution"]["provisionedResources"]["cpus"]), seen


def of(**asked: Any) -> dict[str, Any]:
    return {"resources": {"disk": 1, **asked}}


def test_a_job_of_open_size_gets_the_most_that_fits_and_sees_it(instance: Instance, user: Callable[..., User]) -> None:
    all_of_it = instance.settings.worker_cpus
    assert all_of_it == 4
    # A user each: what a slot was made with for one job, the same user's next one may take over.
    for name, asked, cpus, memory in (
        ("a1", {"cpusRange": [1, 3], "memory": 0.25}, 3, "0.25"),
        ("a2", {"cpusRange": [2, 400], "memory": 0.25}, 4, "0.25"),
        ("a3", {"cpusOptions": [2, 3], "memory": 0.25}, 3, "0.25"),
        ("a4", {"cpusOptions": [2, 400], "memory": 0.25}, 2, "0.25"),
        ("a5", {"cpusRange": [1, 4], "memoryPerCpu": 0.1}, 4, "0.4"),
        ("a6", {"totalCpusRange": [2, 3], "memory": 0.25}, 3, "0.25"),
    ):
        somebody = user(name)
        got = ran(somebody, somebody.submit("env", **of(**asked)))
        assert got == (cpus, {"PROMINENCE_CPUS": str(cpus), "PROMINENCE_MEMORY": memory}), asked


def test_memory_bounds_the_cpus_where_it_goes_by_them(instance: Instance, user: Callable[..., User]) -> None:
    whole = instance.settings.worker_memory / 1024
    somebody = user("b1")
    got, seen = ran(somebody, somebody.submit("env", **of(cpusRange=[1, 4], memoryPerCpu=round(whole / 2.5, 1))))
    assert (got, seen["PROMINENCE_CPUS"]) == (2, "2")


def test_what_others_use_is_left_to_them(user: Callable[..., User]) -> None:
    other, somebody = user("c1"), user("c2")
    long = other.submit("sleep 60", **of(cpus=3, memory=0.25))
    other.wait(long, "running")
    got, seen = ran(somebody, somebody.submit("env", **of(cpusRange=[1, 4], memory=0.25)))
    assert (got, seen["PROMINENCE_CPUS"]) == (1, "1")
    other.call("DELETE", f"/jobs/{long}")


def test_a_slot_that_is_too_large_is_not_shown_to_tasks(user: Callable[..., User]) -> None:
    somebody = user("d1")
    first, second = somebody.submit("sleep 3", **of(cpus=4, memory=0.25)), None
    somebody.wait(first, "running")
    second = somebody.submit("env", **of(cpusRange=[1, 2], memory=0.25))
    somebody.wait(first)
    _, seen = ran(somebody, second)
    assert seen["PROMINENCE_CPUS"] == "2"
