"""What is shown of a job: what was submitted, without its secrets."""

import copy
import json
from typing import Any

import pytest

from api.documents import as_submitted, parse_job, redacted
from api.documents.base import Document
from api.documents.job import Job
from api.documents.secret import is_secret
from api.documents.storage import B2dropCredential, OnedataCredential, WebdavCredential
from api.documents.tasks import ImagePullCredential

STORAGES: list[dict[str, Any]] = [
    {
        "type": "webdav",
        "mountpoint": "/d",
        "webdav": {"url": "https://dav.org/", "username": "ada", "password": "s3cret"},
    },
    {"type": "b2drop", "mountpoint": "/d", "b2drop": {"app-username": "ada", "app-password": "s3cret"}},
    {"type": "onedata", "mountpoint": "/d", "onedata": {"provider": "p.org", "token": "s3cret"}},
]
FULL: dict[str, Any] = {
    "name": "full",
    "labels": {"app": "x"},
    "resources": {"nodes": 1, "cpusRange": [2, 4], "memoryPerCpu": 1.5, "disk": 20, "walltime": 60},
    "tasks": [
        {
            "image": "registry.org/a:1",
            "runtime": "singularity",
            "cmd": "a 'b c'",
            "env": {"A": "1"},
            "workdir": "/w",
            "type": "basic",
            "procsPerNode": 2,
            "app": "x",
            "imagePullCredential": {"username": "ada", "token": "s3cret"},
            "imageSha256": "a" * 64,
            "stdout": "out.txt",
        },
        {"image": "b", "type": "sidecar"},
    ],
    "inputs": [
        {"filename": "a", "content": "czNjcmV0", "executable": True},
        {"filename": "b", "content": "czNjcmV0"},
    ],
    "artifacts": [{"url": "obj", "mountpoint": "d:/x", "executable": False}],
    "outputFiles": ["*.dat"],
    "outputDirs": ["out"],
    "storage": STORAGES[0],
    "policies": {"maximumRetries": 1, "autoScalingType": None, "placement": {"preferences": {"sites": ["A"]}}},
    "notifications": [{"event": "jobFinished", "type": "email"}],
}
MINIMAL: dict[str, Any] = {"resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "a"}]}


def parsed(wire: dict[str, Any]) -> Job:
    return parse_job(json.dumps(wire).encode())


@pytest.mark.parametrize("wire", [FULL, MINIMAL], ids=["full", "minimal"])
def test_a_job_is_given_back_as_it_was_submitted(wire: dict[str, Any]) -> None:
    again = as_submitted(parsed(wire))
    assert again == wire
    assert json.dumps(again, sort_keys=True) == json.dumps(wire, sort_keys=True)
    assert parsed(again) == parsed(wire)


@pytest.mark.parametrize("storage", STORAGES, ids=lambda storage: storage["type"])
def test_secrets_and_contents_are_not_shown(storage: dict[str, Any]) -> None:
    text = json.dumps(redacted(parsed(FULL | {"storage": storage})))
    assert "s3cret" not in text
    assert "czNjcmV0" not in text
    assert text.count("[redacted]") == 2
    assert text.count("ada") == (1 if storage["type"] == "onedata" else 2)


def test_all_else_is_shown_as_submitted() -> None:
    expected = copy.deepcopy(FULL)
    expected["tasks"][0]["imagePullCredential"]["token"] = "[redacted]"
    expected["storage"]["webdav"]["password"] = "[redacted]"
    expected["inputs"] = [{"filename": "a", "executable": True}, {"filename": "b"}]
    assert redacted(parsed(FULL)) == expected
    assert redacted(parsed(MINIMAL)) == MINIMAL


@pytest.mark.parametrize(
    ("model", "secret"),
    [
        (ImagePullCredential, {"token"}),
        (WebdavCredential, {"password"}),
        (B2dropCredential, {"app-password"}),
        (OnedataCredential, {"token"}),
    ],
)
def test_every_credential_has_its_secret_marked(model: type[Document], secret: set[str]) -> None:
    assert {field.alias for field in model.model_fields.values() if is_secret(field)} == secret
