"""What a valid document may ask for that this server does not do: refused by name, never accepted and ignored."""

from __future__ import annotations

from typing import Any

import pytest

from api.errors import NotAvailable
from api.jobs import available
from tests.unit.api.jobs.jobs_support import job

_BUSYBOX = {"image": "busybox", "cmd": "true"}
_WEBDAV = {"url": "https://dav.example.eu", "username": "u", "password": "p"}


@pytest.mark.parametrize(
    ("field", "document"),
    [
        ("resources.nodes", {"resources": {"nodes": 2, "cpus": 1, "memory": 1}}),
        ("resources.nodes", {"resources": {"cpus": 2, "totalCpusRange": [4, 8], "memory": 1}}),
        ("tasks[1].type", {"tasks": [_BUSYBOX, {**_BUSYBOX, "type": "mpich"}]}),
        ("tasks[0].type", {"tasks": [{**_BUSYBOX, "type": "openmpi"}]}),
    ],
)
def test_what_is_not_available_is_refused_by_name(field: str, document: dict[str, Any]) -> None:
    with pytest.raises(NotAvailable) as refused:
        available.check(job(**document))
    assert (refused.value.status, refused.value.field) == (400, field)
    assert refused.value.message.startswith(f"{field}: ")
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"resources": {"cpusRange": [1, 4], "memoryPerCpu": 1}},
        {"artifacts": [{"url": "https://example.eu/a.tar"}], "outputFiles": ["*.out"], "outputDirs": ["results"]},
        {"policies": {"maximumRetries": 2}},
        {"storage": {"type": "webdav", "mountpoint": "/data", "webdav": _WEBDAV}},
        {"tasks": [{**_BUSYBOX, "runtime": "singularity", "type": "basic"}]},
        {"tasks": [{**_BUSYBOX, "runtime": "udocker"}, {**_BUSYBOX, "type": "sidecar"}]},
    ],
)
def test_what_this_server_does_is_let_through(document: dict[str, Any]) -> None:
    available.check(job(**document))


def test_checkpoints_need_object_storage() -> None:
    document = job(checkpoint={"files": ["state"]})
    available.check(document, objects=True)
    available.check(job(), objects=False)
    with pytest.raises(NotAvailable) as refused:
        available.check(document, objects=False)
    assert refused.value.field == "checkpoint"
