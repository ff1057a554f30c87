"""Artifacts and outputs between the document, the executor's file and its report."""

from __future__ import annotations

from typing import Any

import pytest

from api.documents.redact import as_submitted, redacted
from api.jobs import outputs
from api.jobs.translate import document_again, job_file
from tests.unit.api.jobs.jobs_support import context, job
from worker import container

ARTIFACTS = [
    {"url": "https://example.org/a.tgz", "mountpoint": "a:/data"},
    {"url": "group/tool", "executable": True},
]


def link(name: str) -> str:
    return f"https://store/{name}?signed"


def report(*names: str) -> dict[str, Any]:
    return {"nodes": [{"outputs": [{"name": name, "size": 7} for name in names]}]}


def test_uploads_are_known_before_the_job_runs_unless_a_parameter_is_part_of_their_names() -> None:
    asked = job(artifacts=[*ARTIFACTS, {"url": "in-$x.dat"}, {"url": "${y}/b"}, {"url": "$z"}])
    assert list(outputs.uploads(asked)) == ["group/tool", "in-$x.dat", "${y}/b", "$z"]
    assert list(outputs.uploads(asked, ("x", "y"))) == ["group/tool", "$z"]


@pytest.mark.parametrize(("urls", "needs"), [([], False), (["https://h/a"], False), (["https://h/a", "b"], True)])
def test_only_uploads_need_storage(urls: list[str], needs: bool) -> None:
    assert outputs.needs_storage(job(artifacts=[{"url": url} for url in urls])) is needs


def test_a_clone_asks_for_what_the_first_asked_for() -> None:
    asked = job(artifacts=ARTIFACTS, outputFiles=["x"])
    told = job_file(asked, context())
    assert told["artifacts"] == ARTIFACTS
    assert as_submitted(document_again(redacted(asked), told)) == as_submitted(asked)


FILES: list[tuple[list[str], list[str], list[tuple[str, bool]]]] = [
    (["x"], [], [("x", False)]),
    (["x"], ["x"], [("x", True)]),
    (["./d/x", f"{container.HOME}/y"], ["d/x", "y"], [("./d/x", True), (f"{container.HOME}/y", True)]),
    (["*.txt"], ["b.txt", "a.txt", "c.dat"], [("a.txt", True), ("b.txt", True)]),
    (["*.txt"], ["c.dat"], [("*.txt", False)]),
]


@pytest.mark.parametrize(("asked", "stored", "shown"), FILES)
def test_files_have_links_once_they_are_stored(
    asked: list[str], stored: list[str], shown: list[tuple[str, bool]]
) -> None:
    entries = outputs.shown({"outputFiles": asked}, report(*stored), link)["outputFiles"]
    assert [(entry["name"], bool(entry["url"])) for entry in entries] == shown
    assert all(entry["size"] == (7 if entry["url"] else 0) for entry in entries)


@pytest.mark.parametrize(("asked", "stored"), [("d", "d.tgz"), ("a/b/", "a/b.tgz"), (".", "home.tgz")])
def test_directories_are_archives(asked: str, stored: str) -> None:
    (entry,) = outputs.shown({"outputDirs": [asked]}, report(stored), link)["outputDirs"]
    assert entry == {"name": asked, "url": link(stored), "size": 7}


@pytest.mark.parametrize(
    "bad", [None, {}, {"nodes": 3}, {"nodes": [3]}, {"nodes": [{"outputs": [{"name": 1, "size": "x"}, 5]}]}]
)
def test_a_report_that_makes_no_sense_stores_nothing(bad: Any) -> None:
    assert outputs.shown({"outputFiles": ["x"]}, bad, link)["outputFiles"] == [{"name": "x", "url": "", "size": 0}]


def test_a_job_without_outputs_shows_none() -> None:
    assert outputs.shown({}, report("x"), link) == {}


def test_the_home_is_where_the_executor_puts_it() -> None:
    assert outputs.HOME == container.HOME
