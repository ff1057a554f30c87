"""The plan of a workflow: numbers, names, parts, parameters, and the way to a file and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.workflows.plan import Part, Plan, instance_number, is_workflow, job_name, read, workflow_name, written

NAME = workflow_name("0123456789abcdef0123456789abcdef")
TASKS = {"tasks": [{"image": "busybox", "cmd": "echo $x"}], "resources": {"cpus": 1, "memory": 1}}
GRID = {"type": "grid", "axes": [{"name": "x", "values": ["a", "b b", "c"]}]}


def plan(**changes: object) -> Plan:
    parts = (Part("first", 0, TASKS), Part("a/1", 1, TASKS, GRID), Part("a", 4, TASKS, GRID))
    return Plan(NAME, "family", parts, ((0, 1), (0, 2)), **changes)  # type: ignore[arg-type]


def test_all_instances_are_numbered_from_0_those_of_the_first_job_first() -> None:
    assert plan().total == 7
    assert [plan().part_of(number).name for number in range(7)] == ["first", "a/1", "a/1", "a/1", "a", "a", "a"]
    for number in (-1, 7):
        with pytest.raises(IndexError):
            plan().part_of(number)


def test_names_of_folders_follow_from_that_of_the_workflow_and_lead_back_to_it() -> None:
    instance = plan().instance_name(5)
    assert instance == "0123456789abcdef0123456700000005"
    assert workflow_name(instance) == NAME
    assert instance_number(instance) == 5
    assert instance_number(NAME) is None


@given(st.text("0123456789abcdef", min_size=32, max_size=32))
def test_no_job_of_its_own_has_the_name_of_a_workflow(name: str) -> None:
    assert not is_workflow(job_name(name))
    assert is_workflow(workflow_name(name))
    assert not is_workflow(job_name(workflow_name(name)))


@pytest.mark.parametrize(
    ("job", "instance", "number"),
    [
        ("first", None, 0),
        ("a/1", 2, 3),
        ("a", 0, 4),
        ("a", None, None),
        ("a", 3, None),
        ("first", 0, None),
        ("b", None, None),
    ],
)
def test_an_instance_is_found_by_its_name(job: str, instance: int | None, number: int | None) -> None:
    assert plan().number_of(job, instance) == number


def test_an_instance_is_the_job_with_its_parameters_under_its_full_name() -> None:
    document, parameters = plan().document_of(2)
    assert parameters == {"x": "b b"}
    assert document["name"] == "family/a/1/1"
    assert document["tasks"] == [{"image": "busybox", "cmd": "echo 'b b'"}]
    assert plan().document_of(0)[0]["name"] == "family/first"


@given(st.frozensets(st.integers(0, 6)))
def test_a_plan_survives_being_written(done: frozenset[int]) -> None:
    kept = plan(previous=NAME, done=done)
    assert read(written(kept).encode()) == kept


def test_a_plan_of_very_many_instances_is_small() -> None:
    axis = {"name": "x", "start": "0", "step": "1", "number": 100_000}
    large = Plan(NAME, "", (Part("s", 0, TASKS, {"type": "grid", "axes": [axis]}),), done=frozenset(range(99_000)))
    assert large.total == 100_000
    assert len(written(large)) < 1000
