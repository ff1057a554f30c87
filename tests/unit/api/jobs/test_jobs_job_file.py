"""What the executor is told: the whole document, in the form that the executor itself reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.documents.job import Job
from api.documents.redact import redacted
from api.jobs.sandbox import JOB_FILE, Sandbox
from api.jobs.translate import document_again, job_file
from tests.unit.api.jobs.jobs_support import AWKWARD, context, job
from worker import job as executor


def read_by_the_executor(document: Job, folder: Path) -> executor.Job:
    sandbox = Sandbox(folder / "sandbox")
    sandbox.fill(job_file(document, context()), "token")
    return executor.load(sandbox.path / JOB_FILE)


def test_the_executor_reads_what_the_api_writes(tmp_path: Path) -> None:
    document = job(
        name="fit",
        resources={"cpusRange": [2, 8], "memoryPerCpu": 2, "disk": 3, "walltime": 60},
        tasks=[
            {"image": "busybox", "cmd": "cat 'a b'", "workdir": "/work", "env": {"A": "1"}, "app": "x"},
            {"image": "other", "imagePullCredential": {"username": "u", "token": "S3CRET"}, "stdout": "out/1.txt"},
        ],
        inputs=[{"filename": "bin/in.sh", "content": "UEFZTE9BRA==", "executable": True}],
        policies={"maximumTaskRetries": 2, "ignoreTaskFailures": True},
    )
    read = read_by_the_executor(document, tmp_path)
    assert [task.image for task in read.tasks] == ["busybox", "other"]
    assert list(read.tasks[0].command) == ["cat", "a b"]
    assert (read.tasks[0].workdir, read.tasks[0].app, dict(read.tasks[0].env)) == ("/work", "x", {"A": "1"})
    assert read.tasks[1].stdout == "out/1.txt"
    assert (read.policies.maximum_task_retries, read.policies.ignore_task_failures) == (2, True)
    assert read.resources["cpus"] == 2
    assert read.resources["memory"] == 4
    assert [(one.filename, one.executable) for one in read.inputs] == [("bin/in.sh", True)]
    assert read.url == context().url


def test_the_executor_gets_secrets_and_the_content_of_inputs() -> None:
    document = job(
        tasks=[{"image": "busybox", "imagePullCredential": {"username": "u", "token": "S3CRET"}}],
        inputs=[{"filename": "in.txt", "content": "UEFZTE9BRA=="}],
    )
    told = job_file(document, context())
    assert told["tasks"][0]["imagePullCredential"]["token"] == "S3CRET"
    assert told["inputs"][0]["content"] == "UEFZTE9BRA=="


@pytest.mark.parametrize("text", [*AWKWARD, "line\nbreak\ttab\x01"])
def test_text_reaches_the_executor_unchanged(text: str, tmp_path: Path) -> None:
    document = job(tasks=[{"image": "busybox", "env": {"TEXT": text}}])
    assert read_by_the_executor(document, tmp_path).tasks[0].env["TEXT"] == text


def test_the_file_is_json_whatever_the_document_says() -> None:
    told = job_file(job(labels={"k": "ü"}, policies={"priority": 3}), context())
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize(
    "document",
    [
        job(),
        job(
            tasks=[{"image": "busybox", "imagePullCredential": {"username": "u", "token": "S3CRET"}}],
            inputs=[{"filename": "in.txt", "content": "UEFZTE9BRA=="}],
            labels={"k": "ü"},
            policies={"placement": {"requirements": {"sites": ["A"]}}, "maximumRetries": 2},
        ),
    ],
)
def test_what_is_shown_and_what_the_executor_was_told_make_the_document_again(document: Job) -> None:
    told = json.loads(json.dumps(job_file(document, context())))
    assert document_again(redacted(document), told) == document
