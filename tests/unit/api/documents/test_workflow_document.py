"""Workflows: what is accepted, and what is refused by name."""

import itertools
from typing import Any

import pytest

from api.documents import InvalidDocument
from api.documents.workflow import MAX_JOBS, edges, instances
from tests.unit.api.documents.workflow_support import accepted, job, refused, repeat, sweep, workflow

COMPLETE = workflow(
    job("prepare", outputFiles=["mesh.dat"]),
    job("run", artifacts=[{"url": "job://prepare/mesh.dat", "mountpoint": "mesh.dat:/mesh.dat"}]),
    "merge",
    name="study 1/a",
    labels={"project": "p-1"},
    dependencies={"prepare": ["run"], "run": ["merge"]},
    factories=[{"name": "cases", **sweep("run", start=0, end=1, step=0.25)}],
    policies={
        "maximumRetries": 6,
        "maximumReruns": 6,
        "leaveInQueue": True,
        "placement": {"requirements": {"sites": ["A"]}, "preferences": {"regions": ["R"]}},
    },
    notifications=[{"event": "workflowFinished", "type": "email"}],
)


def test_a_complete_workflow_is_accepted_unchanged() -> None:
    made = accepted(COMPLETE)
    assert made.model_dump(mode="json", by_alias=True, exclude_unset=True) == COMPLETE
    assert instances(made) == {"prepare": None, "run": 5, "merge": None}
    assert edges(made) == (("prepare", "run"), ("run", "merge"))


def test_what_is_left_out_has_its_default() -> None:
    made = accepted(workflow("a"))
    assert (made.name, made.labels, made.dependencies, made.factories) == ("", {}, {}, ())
    assert (made.policies.maximum_retries, made.policies.maximum_reruns, made.policies.leave_in_queue) == (0, 0, False)
    assert (edges(made), instances(made)) == ((), {"a": None})


NAMES = ["a", "ab", "a_1", "a.1", "a/b", "a/", "/a", "a/0", "a b", " ", "..", "-", "A", "x" * 512]


def test_names_that_are_prefixes_of_others_and_names_with_dots_slashes_and_blanks_are_legal() -> None:
    made = accepted(
        workflow(
            *NAMES,
            dependencies={parent: NAMES[place + 1 :] for place, parent in enumerate(NAMES)},
            factories=[repeat(*NAMES)],
        )
    )
    assert len(edges(made)) == len(NAMES) * (len(NAMES) - 1) / 2
    assert instances(made) == dict.fromkeys(NAMES, 3)


def test_a_dependency_that_is_declared_twice_is_one() -> None:
    document = workflow(job("a", outputFiles=["f"]), job("b", artifacts=[{"url": "job://a/f"}]))
    assert edges(accepted(document | {"dependencies": {"a": ["b", "b"]}})) == (("a", "b"),)


@pytest.mark.parametrize(
    ("document", "field", "words"),
    [
        ({}, "jobs", ["is required"]),
        ({"jobs": []}, "jobs", ["at least 1 entry"]),
        (workflow("a", job("")), "jobs[1].name", ["must not be empty"]),
        (workflow({"resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "i"}]}), "jobs[0].name", ["is required"]),
        (workflow("a", "b", "a"), "jobs[2].name", ["'a'", "jobs[0]"]),
        (workflow('a"b'), "jobs[0].name", ["'a\"b'"]),
        (workflow("a\nb"), "jobs[0].name", ["'a\\nb'"]),
        (workflow("é"), "jobs[0].name", ["'é'"]),
        (workflow("x" * 513), "jobs[0].name", ["512"]),
        (workflow({"name": "a", "tasks": [{"image": "i"}]}), "jobs[0].resources", ["is required"]),
        (workflow(job("a", tasks=[])), "jobs[0].tasks", ["at least 1 entry"]),
        (workflow(job("a", colour=1)), "jobs[0].colour", ["not a known field", "jobs[0]"]),
        (workflow("a", colour=1), "colour", ["not a known field", "dependencies", "factories"]),
        (workflow("a", name='"'), "name", ["'\"'"]),
        (workflow("a", labels={"a-b": "c"}), "labels.a-b", ["letters"]),
        (workflow("a", policies={"maximumReruns": 7}), "policies.maximumReruns", ["at most 6"]),
        (workflow("a", policies={"maximumRetries": -1}), "policies.maximumRetries", ["at least 0"]),
        (workflow("a", policies={"priority": 1}), "policies.priority", ["maximumReruns, leaveInQueue, placement"]),
        (workflow("a", policies=None), "policies", ["must not be null"]),
        (workflow("a", notifications=[{"event": "jobFinished", "type": "email"}]), "notifications[0].event", ["'work"]),
        (workflow("a", dependencies=[]), "dependencies", ["an object, not a list"]),
        (workflow("a", dependencies={"a": "b"}), "dependencies.a", ["a list, not a string"]),
        (workflow("a", dependencies={"a": [1]}), "dependencies.a[0]", ["a string, not a number"]),
        (workflow("a", dependencies={"b c": ["a"]}), "dependencies['b c']", ["'b c'", "no job"]),
        (workflow("a", dependencies={"a": ["a", "b"]}), "dependencies.a[0]", ["'a' itself"]),
        (workflow("a", "c", dependencies={"a": ["c", "b"]}), "dependencies.a[1]", ["'b'", "no job"]),
        (workflow("a", dependencies={"a": ["b'"]}), "dependencies.a[0]", ['"b\'"']),
        (workflow("a", dependencies={"": ["a"]}), "dependencies['']", ["must not be empty"]),
    ],
)
def test_what_is_wrong_is_named(document: Any, field: str, words: list[str]) -> None:
    error = refused(document)
    assert error.field == field
    assert all(word in error.message for word in words), error.message


@pytest.mark.parametrize("document", [1, "a", None, True])
def test_the_body_is_an_object_or_a_list(document: Any) -> None:
    assert "an object that describes a workflow or a list of jobs" in refused(document).message


def test_there_are_at_most_so_many_jobs() -> None:
    assert "at most 10000 entries, not 10001" in refused(workflow(*map(str, range(MAX_JOBS + 1)))).message


def test_a_cycle_is_named_in_its_order() -> None:
    around = {"a": ["b", "x"], "b": ["c"], "c": ["a"], "x": ["y"]}
    error = refused(workflow("y", "x", "c", "b", "a", dependencies=around))
    assert error.field == "dependencies"
    cycle = error.message.partition("circle: ")[2].split(" before ")
    assert len(cycle) == 4
    assert cycle[0] == cycle[-1]
    assert set(itertools.pairwise(cycle)) == {
        ("'a'", "'b'"),
        ("'b'", "'c'"),
        ("'c'", "'a'"),
    }


def test_a_cycle_by_artifacts_is_a_cycle() -> None:
    document = workflow(
        job("a", outputFiles=["f"], artifacts=[{"url": "job://b/f"}]),
        job("b", outputFiles=["f"], artifacts=[{"url": "job://a/f"}]),
    )
    error = refused(document)
    assert error.field == "jobs"
    assert "'a' before 'b'" in error.message or "'b' before 'a'" in error.message


def test_of_a_long_cycle_some_jobs_are_named() -> None:
    names = [f"{number:03}" + "n" * 500 for number in range(900)]
    around = {name: [names[(place + 1) % len(names)]] for place, name in enumerate(names)}
    with pytest.raises(InvalidDocument) as caught:
        accepted(workflow(*names, dependencies=around))
    assert "before 891 more before" in caught.value.message
    assert len(caught.value.message) < 1000
