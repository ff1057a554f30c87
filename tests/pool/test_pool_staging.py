"""Artifacts and outputs through the instance's own storage and a real worker."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.pool.conftest import User, job

pytestmark = pytest.mark.timeout(180)


def archive(**files: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"data/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def upload(user: User, name: str, content: bytes) -> None:
    request = {"filename": name, "checksum": hashlib.sha256(content).hexdigest()}
    answer = user.call("POST", "/data/upload", json=request)
    assert answer.status_code == 201, answer.text
    assert requests.put(answer.json()["url"], data=content, timeout=30).status_code == 200


def fetched(entry: dict[str, Any]) -> bytes:
    answer = requests.get(entry["url"], timeout=30)
    assert answer.status_code == 200, answer.text
    assert len(answer.content) == entry["size"]
    return answer.content


def test_an_upload_comes_in_unpacked_and_mounted_and_what_it_made_comes_out(user: Callable[..., User]) -> None:
    alice = user()
    upload(alice, "input.tgz", archive(words=b"from the archive"))
    number = alice.submit(
        "sh -c 'cat data/words /mnt/words > result.txt; mkdir out; cp result.txt out/copy; echo x > a.log; echo y > b.log'",
        artifacts=[{"url": "input.tgz", "mountpoint": "data:/mnt"}],
        outputFiles=["result.txt", "*.log"],
        outputDirs=["out"],
    )
    shown = alice.wait(number)
    assert shown["status"] == "completed", shown
    result, first, second = shown["outputFiles"]
    assert fetched(result) == b"from the archivefrom the archive"
    assert [first["name"], second["name"]] == ["a.log", "b.log"]
    with tarfile.open(fileobj=io.BytesIO(fetched(shown["outputDirs"][0]))) as tar:
        assert any(name.endswith("out/copy") or name == "copy" for name in tar.getnames())
    assert shown["execution"]["stageOutTime"] > 0


def test_a_missing_output_is_a_named_failure_and_the_others_are_kept(user: Callable[..., User]) -> None:
    alice = user()
    shown = alice.wait(alice.submit("sh -c 'echo kept > here'", outputFiles=["here", "nowhere"]))
    assert shown["status"] == "failed"
    assert "nowhere" in shown["statusReason"]
    assert fetched(shown["outputFiles"][0]) == b"kept\n"
    assert shown["outputFiles"][1] == {"name": "nowhere", "url": "", "size": 0}


def test_outputs_of_a_failed_task_are_kept(user: Callable[..., User]) -> None:
    alice = user()
    shown = alice.wait(alice.submit("sh -c 'echo partly > here; exit 3'", outputFiles=["here"]))
    assert shown["status"] == "completed"
    assert shown["execution"]["tasks"][0]["exitCode"] == 3
    assert fetched(shown["outputFiles"][0]) == b"partly\n"


def test_an_artifact_that_is_not_there_is_a_named_failure(user: Callable[..., User]) -> None:
    alice = user()
    refused = alice.call("POST", "/jobs", json=job("true", artifacts=[{"url": "never-uploaded"}]))
    assert refused.status_code == 400
    assert "never-uploaded" in refused.json()["error"]
    gone = f"{alice.url}/objects/nothing"
    shown = alice.wait(alice.submit("true", artifacts=[{"url": gone}]))
    assert shown["status"] == "failed"
    assert shown["statusReason"]


def test_a_clone_fetches_its_artifacts_again(user: Callable[..., User]) -> None:
    alice = user()
    upload(alice, "again.txt", b"again")
    first = alice.submit("cat again.txt", artifacts=[{"url": "again.txt"}])
    second = alice.call("PUT", f"/jobs/{first}/clone").json()["id"]
    alice.wait(second)
    assert alice.stdout(second) == "again"
