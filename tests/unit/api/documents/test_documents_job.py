"""A job as a whole: name, labels, defaults, and that nothing else gets in."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from api.documents import InvalidDocument, Job, parse_job

NAMES = ["", "a", "My job-1_2.x/y", "a" * 512, " "]
BAD_NAMES: list[Any] = ["a\n", "\n", "a\tb", "é", "a" * 513, "a;b", "a$b", "a\0", 1, True, None, []]
LABELS: list[dict[str, str]] = [
    {},
    {"app": "x"},
    {"A1": "a-b_c.d/e", "b": "é", "0": "0"},
    {"k" * 512: "v" * 512},
    {f"k{n}": "v" for n in range(256)},
]
BAD_LABELS: list[tuple[Any, str]] = [
    ([], "labels"),
    ("a=b", "labels"),
    (None, "labels"),
    ({f"k{n}": "v" for n in range(257)}, "labels"),
    ({"": "v"}, "labels['']"),
    ({"a b": "v"}, "labels['a b']"),
    ({"a\n": "v"}, "labels['a\\n']"),
    ({"a_b": "v"}, "labels.a_b"),
    ({"é": "v"}, "labels['é']"),
    ({"a": ""}, "labels.a"),
    ({"a": "v\n"}, "labels.a"),
    ({"a": "v w"}, "labels.a"),
    ({"a": "v;w"}, "labels.a"),
    ({"a": 1}, "labels.a"),
    ({"a": None}, "labels.a"),
    ({"a": ["v"]}, "labels.a"),
    ({"a": "v" * 513}, "labels.a"),
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_contract_are_accepted(accepted: Callable[..., Job], name: str) -> None:
    assert accepted(("name",), name).name == name


@pytest.mark.parametrize("name", BAD_NAMES)
def test_other_names_are_refused(refused: Callable[..., InvalidDocument], name: Any) -> None:
    assert refused(("name",), name).field == "name"


@pytest.mark.parametrize("labels", LABELS)
def test_labels_of_the_contract_are_accepted(accepted: Callable[..., Job], labels: dict[str, str]) -> None:
    assert accepted(("labels",), labels).labels == labels


@pytest.mark.parametrize(("labels", "field"), BAD_LABELS)
def test_other_labels_are_refused_by_key(refused: Callable[..., InvalidDocument], labels: Any, field: str) -> None:
    assert refused(("labels",), labels).field == field


def test_a_label_key_that_is_too_long_is_refused_and_cut_in_the_message(
    refused: Callable[..., InvalidDocument],
) -> None:
    error = refused(("labels",), {"k" * 100_000: "v"})
    assert error.message.endswith("must have at most 512 characters, not 100000")
    assert len(error.field) < 100


def test_text_of_the_user_is_cut_and_escaped_in_messages(refused: Callable[..., InvalidDocument]) -> None:
    message = refused(("name",), "\x1b[31m" + "x" * 400 + ";").message
    assert "'\\x1b[31mxxx" in message
    assert "\x1b" not in message
    assert "x" * 61 not in message


@pytest.mark.parametrize("field", ["foo", "Name", "output_files", "id", "status", "", "a b", "\x1b[31m"])
def test_an_unknown_field_is_named_with_those_that_exist(refused: Callable[..., InvalidDocument], field: str) -> None:
    message = refused((field,), 1).message
    assert message.endswith(
        "is not a known field: the body may have name, labels, resources, tasks, inputs, artifacts, outputFiles, "
        "outputDirs, checkpoint, storage, policies, notifications"
    )


@pytest.mark.parametrize(
    "place",
    [
        ("resources",),
        ("tasks", 0),
        ("inputs", 0),
        ("artifacts", 0),
        ("storage",),
        ("storage", "webdav"),
        ("policies",),
        ("policies", "placement"),
        ("policies", "placement", "requirements"),
        ("notifications", 0),
    ],
)
def test_unknown_fields_are_refused_at_every_level(
    refused: Callable[..., InvalidDocument], place: tuple[int | str, ...]
) -> None:
    error = refused((*place, "surprise"), None)
    assert error.field.endswith(".surprise")
    assert "is not a known field" in error.message


@pytest.mark.parametrize(
    ("wire", "sentence"),
    [
        ({"tasks": [{"image": "a"}]}, "resources is required: what each node of the job needs"),
        ({"resources": {"cpus": 1, "memory": 1}}, "tasks is required: the tasks, run in this order"),
        ({}, "resources is required: what each node of the job needs"),
    ],
)
def test_resources_and_tasks_are_required(wire: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_job(json.dumps(wire).encode())
    assert caught.value.message.startswith(sentence)
    assert caught.value.field == sentence.split()[0]


def test_the_first_of_many_problems_is_always_the_same(refused: Callable[..., InvalidDocument]) -> None:
    tasks = [{"image": 1, "cmd": 2}, {"image": 3}]
    fields = {refused(("tasks",), tasks).field for _ in range(5)}
    assert fields == {"tasks[0].image"}


def test_a_job_cannot_be_changed(accepted: Callable[..., Job]) -> None:
    job = accepted(("name",), "a")
    with pytest.raises(ValidationError, match="frozen"):
        job.name = "b"
    with pytest.raises(ValidationError, match="frozen"):
        job.tasks[0].image = "b"


def test_what_is_left_out_has_the_documented_default(accepted: Callable[..., Job]) -> None:
    job = accepted(("tasks",), [{"image": "a"}])
    assert (job.name, job.labels, job.inputs, job.artifacts, job.storage) == ("", {}, (), (), None)
    assert (job.output_files, job.output_dirs, job.notifications) == ((), (), ())
    task = job.tasks[0]
    assert (task.type, task.env, task.cmd, task.runtime, task.procs_per_node) == ("basic", {}, None, None, None)


def test_an_error_is_read_only_and_says_its_message() -> None:
    error = InvalidDocument("tasks[0].image", "tasks[0].image is required")
    assert str(error) == "tasks[0].image is required"
    assert error.args == ("tasks[0].image", "tasks[0].image is required")
    with pytest.raises(AttributeError):
        error.field = "x"  # type: ignore[misc]


def test_a_job_shows_no_secret_in_its_representation(accepted: Callable[..., Job]) -> None:
    credential = {"username": "ada", "token": "t0ken"}
    job = accepted(("tasks",), [{"image": "a", "imagePullCredential": credential}])
    assert "t0ken" not in repr(job)
    assert "t0ken" in json.dumps(job.model_dump())
