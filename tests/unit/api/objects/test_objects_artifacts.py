"""Artifacts of running jobs, from the store through the service to the executor's own code, over both kinds of store."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from api.jobs.sandbox import JOB_FILE, REPORT_FILE
from api.workflows import files
from api.workflows.plan import Part, Plan, workflow_name
from tests.unit.api.objects.serving import Server, job_token
from worker.scratch import Scratch
from worker.staging import artifacts
from worker.staging.artifacts import Fetched
from worker.staging.documents import artifact
from worker.staging.errors import ArtifactNotFoundError, ArtifactNotGivenError
from worker.staging.terms import Terms
from worker.staging.upload import Service

GROUPS = ("crew",)


@pytest.fixture(params=["local_server", "s3_server"])
def server(request: pytest.FixtureRequest) -> Server:
    """The routes over each kind of store."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def plan(server: Server, request: pytest.FixtureRequest) -> Iterator[Plan]:
    """A workflow in which `many` ran three times, and `last` asks for what it left and for uploads."""
    repeat = {"type": "repeat", "number": 3}
    urls = ["job://many/*/o ut.txt", "job://many/1/res", "job://many/2/gone.txt", "input", "crew/input"]
    makes = {"outputFiles": ["o ut.txt", "gone.txt"], "outputDirs": ["res"]}
    wants = {"artifacts": [{"url": url} for url in urls]}
    name = workflow_name(hashlib.sha256(request.node.name.encode()).hexdigest())
    made = Plan(name, "flow", (Part("many", 0, makes, repeat), Part("last", 3, wants)))
    sandboxes = server.keys / "sandboxes"
    sandboxes.mkdir(exist_ok=True)
    files.fill(sandboxes / name, made, ({}, {}), [], [])
    for number in range(3):
        outputs = {"o ut.txt": f"output {number}".encode(), "res.tgz": tarball(f"res/{number}", b"deep")}
        for output, content in outputs.items():
            store(server, made.instance_name(number), output, content)
        sizes = [{"name": output, "size": len(content)} for output, content in outputs.items()]
        report(sandboxes / made.instance_name(number), [*sizes, {"name": "gone.txt", "size": 3}])
    yield made
    files.discard(sandboxes / name, made)


def tarball(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def report(folder: Path, outputs: list[dict[str, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / REPORT_FILE).write_text(json.dumps({"nodes": [{"outputs": outputs}]}))


def store(server: Server, submission: str, name: str, content: bytes) -> None:
    token = job_token(server.keys, submission)
    link = server.call("POST", "/data/output", token=token, json={"name": name}).json()["url"]
    assert requests.put(link, data=content, timeout=20).status_code == 200


def stage(server: Server, submission: str, root: Path, *urls: str) -> tuple[Scratch, list[Fetched]]:
    scratch = Scratch(root / "scratch")
    scratch.root.mkdir()
    scratch.create()
    records: list[Fetched] = []
    wanted = [artifact({"url": url}) for url in urls]
    service = Service(server.url, job_token(server.keys, submission, groups=GROUPS))
    around = Terms(lambda: None, lambda _text: None, tries=2)
    artifacts.stage(wanted, scratch, 2**20, service, around, records, lambda: 0.0)
    return scratch, records


def test_outputs_of_other_jobs_arrive_each_at_its_place(server: Server, plan: Plan, tmp_path: Path) -> None:
    scratch, records = stage(server, plan.instance_name(3), tmp_path, "job://many/*/o ut.txt", "job://many/1/res")
    found = [(scratch.home / f"many/{place}/o ut.txt").read_text() for place in range(3)]
    assert found == ["output 0", "output 1", "output 2"]
    assert (scratch.home / "res/1").read_text() == "deep"
    assert (records[0].name, records[0].size) == ("job://many/*/o ut.txt", 3 * len("output 0"))


def test_an_output_that_is_no_longer_in_the_store_is_named(server: Server, plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError, match=r"job://many/2/gone\.txt"):
        stage(server, plan.instance_name(3), tmp_path, "job://many/2/gone.txt")


def test_what_another_job_may_have_is_refused(server: Server, plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotGivenError, match=r"status 400.*it may ask for the artifacts of its own document"):
        stage(server, plan.instance_name(0), tmp_path, "job://many/1/res")


@pytest.mark.parametrize("alone", [True, False])
def test_uploads_of_the_user_and_of_the_groups_arrive(server: Server, plan: Plan, alone: bool, tmp_path: Path) -> None:
    for name in ("input", "crew/input"):
        assert requests.put(server.link(name, groups=GROUPS), data=name.encode(), timeout=20).status_code == 200
    submission = plan.instance_name(3)
    if alone:
        submission = hashlib.sha256(str(tmp_path).encode()).hexdigest()[:32]
        (server.keys / "sandboxes" / submission).mkdir()
        told = {"artifacts": [{"url": "crew/input", "executable": True}]}
        (server.keys / "sandboxes" / submission / JOB_FILE).write_text(json.dumps(told))
    scratch, _ = stage(server, submission, tmp_path, "crew/input")
    assert (scratch.home / "input").read_text() == "crew/input"


BAD = [
    (b"", "JSON"),
    (b"{}", "url"),
    (b'{"url": ""}', "url"),
    (b'{"url": "x", "first": -1}', "first"),
    (b"[]", "object"),
]


@pytest.mark.parametrize(("body", "says"), BAD)
def test_a_bad_request_for_an_artifact_is_refused_with_a_sentence(local_server: Server, body: bytes, says: str) -> None:
    answer = local_server.call("POST", "/data/artifact", token=job_token(local_server.keys, "e" * 32), data=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


def test_a_users_token_gets_no_artifact(local_server: Server) -> None:
    assert local_server.call("POST", "/data/artifact", json={"url": "x"}).status_code == 401
