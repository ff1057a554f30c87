"""Parameters in the texts of jobs: no instance may have a text that is too long or unfit for its place."""

from typing import Any

import pytest

from api.documents.job import Job
from api.documents.substitution import _texts
from tests.unit.api.documents.workflow_support import accepted, job, refused, sweep, workflow, zipped
from worker.parameters import for_instance

LONG = "v" * 4096


def swept(values: list[Any], **more: Any) -> dict[str, Any]:
    return workflow(job("a", **more), factories=[zipped("a", p=values)])


def tasks(**task: Any) -> dict[str, Any]:
    return {"tasks": [{"image": "i"}, {"image": "i", **task}]}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        (tasks(cmd="run " + "$p " * 25), "tasks[1].cmd"),
        (tasks(cmd="run " + "$'p'" * 25), "tasks[1].cmd"),
        (tasks(cmd='run "' + r"\$p" * 25 + '"'), "tasks[1].cmd"),
        (tasks(env={"A": "${p}" * 25}), "tasks[1].env.A"),
        ({"artifacts": [{"url": "http://h/$p"}]}, "artifacts[0].url"),
        ({"artifacts": [{"url": "u", "mountpoint": "a:/b/$p"}]}, "artifacts[0].mountpoint"),
        ({"outputFiles": ["f", "a/$p"]}, "outputFiles[1]"),
        ({"outputDirs": ["a/$p"]}, "outputDirs[0]"),
    ],
)
def test_what_would_grow_beyond_its_limit_is_refused(more: dict[str, Any], field: str) -> None:
    error = refused(swept([LONG], **more))
    assert error.field == f"jobs[0].{field}"
    assert "with its parameters replaced" in error.message


@pytest.mark.parametrize(
    "more", [tasks(cmd="run " + "$q " * 25, workdir="$p$p"), tasks(cmd="run " + "$p " * 24), {"outputFiles": ["$p"]}]
)
def test_what_stays_within_its_limit_is_accepted(more: dict[str, Any]) -> None:
    accepted(swept([LONG], **more))


def test_numbers_of_a_sweep_are_reckoned_with() -> None:
    document = workflow(job("a", **tasks(cmd="$x" * 1000)), factories=[sweep("a", start=0, end=1, step=0.1)])
    assert "could have" in refused(document).message


@pytest.mark.parametrize(
    ("more", "value", "field"),
    [
        ({"artifacts": [{"url": "$p"}]}, "job://a/x", "artifacts[0].url"),
        ({"artifacts": [{"url": "http://h/$p"}]}, "a\r\nb", "artifacts[0].url"),
        ({"artifacts": [{"url": "u", "mountpoint": "d:/m$p"}]}, "x:/etc", "artifacts[0].mountpoint"),
        ({"artifacts": [{"url": "u", "mountpoint": "d:/m$p"}]}, "x,/etc", "artifacts[0].mountpoint"),
        ({"outputFiles": ["$p"]}, "../x", "outputFiles[0]"),
        ({"outputDirs": ["a/$p"]}, "x/..", "outputDirs[0]"),
    ],
)
def test_values_that_are_unfit_for_their_place_are_refused(more: dict[str, Any], value: str, field: str) -> None:
    error = refused(swept(["fine", value], **more))
    assert error.field == f"jobs[0].{field}"
    assert f"{value!r} of the parameter 'p'" in error.message


@pytest.mark.parametrize("value", ["https://h/x?a=b", "a b", "..x", "a/b"])
def test_other_values_may_stand_in_paths(value: str) -> None:
    accepted(swept([value], artifacts=[{"url": "$p"}], outputFiles=["$p"]))


def test_values_may_have_anything_elsewhere() -> None:
    accepted(swept(["../a:b,\n"], **tasks(cmd="run $p", env={"A": "$p"})))


def test_all_texts_that_are_replaced_are_looked_at() -> None:
    wire = job(
        "n$p",
        tasks=[{"image": "i$p", "cmd": "c$p", "env": {"E": "e$p"}, "workdir": "w$p", "stdout": "s$p"}],
        artifacts=[{"url": "u$p", "mountpoint": "m$p:/$p"}, {"url": "v$p"}],
        outputFiles=["f$p"],
        outputDirs=["d$p"],
        labels={"l": "l"},
    ) | {"name": ""}
    replaced = for_instance(wire, {"p": "!"})

    def texts(value: Any) -> list[str]:
        if isinstance(value, str):
            return [value]
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return [text for entry in inner for text in texts(entry)]

    changed = {before for before, after in zip(texts(wire), texts(replaced), strict=True) if before != after}
    assert changed == {each.text for each in _texts(Job.model_validate(wire)) if each.text}
