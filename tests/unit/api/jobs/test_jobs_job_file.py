"""What the executor is told: the whole document, in the form that the executor itself reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.documents.job import Job
from api.documents.redact import redacted
from api.jobs.sandbox import JOB_FILE, Sandbox
from api.jobs.translate import CHECKPOINT, document_again, facts, job_file
from tests.unit.api.jobs.jobs_support import AWKWARD, context, described, job
from worker import job as executor

STORAGES: list[dict[str, Any]] = [
    {
        "type": "webdav",
        "mountpoint": "/data",
        "webdav": {"url": "https://h/d", "username": "ada", "password": "S3CRET"},
    },
    {"type": "b2drop", "mountpoint": "/data", "b2drop": {"app-username": "ada", "app-password": "S3CRET"}},
    {"type": "onedata", "mountpoint": "/data", "onedata": {"provider": "provider.example.eu", "token": "S3CRET"}},
]


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
    assert (read.resources["cpus"], read.resources["cpusMax"], read.resources["memoryPerCpu"]) == (2, 8, 2)
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


@pytest.mark.parametrize("storage", STORAGES, ids=lambda storage: str(storage["type"]))
def test_the_executor_reads_the_storage_with_its_secret_and_nobody_else_is_told(
    storage: dict[str, Any], tmp_path: Path
) -> None:
    document = job(storage=storage)
    read = read_by_the_executor(document, tmp_path).storage
    assert read is not None
    assert (read.kind, read.mountpoint, read.secret) == (storage["type"], "/data", "S3CRET")
    public = [redacted(document), described(document), facts(document, context())]
    assert "S3CRET" not in json.dumps(public)


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
        *(job(storage=storage) for storage in STORAGES),
    ],
)
def test_what_is_shown_and_what_the_executor_was_told_make_the_document_again(document: Job) -> None:
    told = json.loads(json.dumps(job_file(document, context())))
    assert document_again(redacted(document), told) == document


def test_the_executor_is_told_of_checkpoints_in_seconds(tmp_path: Path) -> None:
    document = job(checkpoint={"files": ["state/*", "a b"], "interval": 5})
    assert read_by_the_executor(document, tmp_path).checkpoint == executor.Checkpoint(("state/*", "a b"), 300.0, 300.0)
    assert document_again(redacted(document), job_file(document, context())) == document
    assert executor.parse(job_file(job(), context())).checkpoint is None


def test_a_document_with_checkpoints_is_known_by_its_text() -> None:
    assert CHECKPOINT in facts(job(checkpoint={"files": ["x"]}), context())["ProminenceJob"]
    assert CHECKPOINT not in facts(job(), context())["ProminenceJob"]
