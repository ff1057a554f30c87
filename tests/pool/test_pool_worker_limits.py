"""Jobs that ask for too much or for nonsense: each ends in a state and with a sentence that its user can act on."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.instance import Instance
from tests.pool.conftest import User, job
from tests.pool.slots import nothing_is_left

pytestmark = pytest.mark.timeout(180)

BUSYBOX = "/images/busybox"
SMALL = {"cpus": 1, "memory": 0.25, "disk": 1}
HOG = "dd if=/dev/zero of=/dev/null bs=600M count=100000"


def upload(user: User, name: str, content: bytes) -> None:
    request = {"filename": name, "checksum": hashlib.sha256(content).hexdigest()}
    answer = user.call("POST", "/data/upload", json=request)
    assert answer.status_code == 201, answer.text
    assert requests.put(answer.json()["url"], data=content, timeout=30).status_code == 200


def tar(name: str, size: int) -> bytes:
    """A compressed archive with one entry of zeros."""
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", compresslevel=1) as packed:
        entry = tarfile.TarInfo(name)
        entry.size = size
        packed.write(entry.tobuf())
        for _ in range(size >> 20):
            packed.write(bytes(1 << 20))
        packed.write(bytes(1024 + -size % 512))
    return made.getvalue()


def test_a_job_that_uses_more_memory_than_it_asked_for_is_killed_and_keeps_its_output(
    user: Callable[..., User], instance: Instance
) -> None:
    alice = user()
    number = alice.submit(f"sh -c 'echo before; echo to-stderr >&2; {HOG}'", policies={"maximumRetries": 2})
    shown = alice.wait(number)
    assert shown["status"] == "killed"
    reason = shown["statusReason"]
    assert reason.startswith("It used more memory than it asked for (0."), reason
    assert reason.endswith(" of 0.25 GB); ask for more in resources.memory.")
    assert alice.stdout(number) == "before\n"
    assert "to-stderr\n" in alice.call("GET", f"/jobs/{number}/stderr").text
    execution = shown["execution"]
    assert execution["maxMemoryUsageKB"] > 256 * 1024
    assert (execution["retries"], [task["exitCode"] for task in execution["tasks"]]) == (0, [137])
    listed = alice.call("GET", "/jobs", params={"completed": "true", "id": number}).json()
    assert (listed[0]["status"], listed[0]["statusReason"]) == ("killed", reason)
    nothing_is_left(instance)


def test_memory_of_a_sidecar_counts_and_sidecars_end_with_the_job(
    user: Callable[..., User], instance: Instance
) -> None:
    tasks = [
        {"image": BUSYBOX, "cmd": f"sh -c 'trap : TERM; {HOG}'", "type": "sidecar"},
        {"image": BUSYBOX, "cmd": "sleep 600"},
    ]
    alice = user()
    shown = alice.wait(alice.submit("", tasks=tasks))
    assert shown["status"] == "killed", shown
    assert "more memory than it asked for" in shown["statusReason"]
    nothing_is_left(instance)


def test_a_job_over_its_walltime_keeps_all_that_it_wrote(user: Callable[..., User], instance: Instance) -> None:
    alice = user()
    script = "sh -c 'trap \"echo asked to end; exit\" TERM; while true; do echo tick; sleep 1; done'"
    number = alice.submit(script, resources={**SMALL, "walltime": 1})
    shown = alice.wait(number, seconds=120)
    assert (shown["status"], shown["statusReason"]) == ("killed", "It ran longer than its walltime.")
    assert alice.stdout(number).count("tick\n") > 50
    assert shown["execution"]["tasks"][0]["wallTimeUsage"] > 50
    nothing_is_left(instance)


def test_a_task_that_fails_is_tried_as_often_as_its_user_allowed(user: Callable[..., User]) -> None:
    alice = user()
    shown = alice.wait(alice.submit("sh -c 'exit 3'", policies={"maximumRetries": 2}))
    assert (shown["status"], shown["statusReason"]) == ("completed", "The task exited with code 3.")
    assert (shown["execution"]["retries"], shown["execution"]["interruptions"]) == (2, 0)


def test_what_a_task_used_is_in_its_description(user: Callable[..., User]) -> None:
    alice = user()
    script = "sh -c 'dd if=/dev/zero of=x bs=1M count=8 conv=fsync; dd if=/dev/zero of=/dev/null bs=64M count=60'"
    shown = alice.wait(alice.submit(script))
    execution = shown["execution"]
    task = execution["tasks"][0]
    assert shown["status"] == "completed", shown
    assert task["writtenBytes"] >= 8 << 20
    assert task["readBytes"] >= 0
    assert task["cpuTimeUsage"] > 0
    assert task["maxResidentSetSizeKB"] > 64 * 1024
    assert execution["maxMemoryUsageKB"] >= task["maxResidentSetSizeKB"]
    assert execution["cpu"]["model"]
    assert execution["runtimeVersion"]["singularity"]


ARCHIVES = [
    ("bomb.tgz", tar("zeros", 1100 << 20), ("bomb.tgz", "resources.disk")),
    ("escape.tgz", tar("../../etc/passwd", 512), ("escape.tgz", "../../etc/passwd")),
    ("broken.tgz", b"this is no archive", ("broken.tgz",)),
]


@pytest.mark.parametrize(("name", "content", "words"), ARCHIVES, ids=[row[0] for row in ARCHIVES])
def test_an_archive_that_must_not_be_unpacked_is_named(
    user: Callable[..., User], instance: Instance, name: str, content: bytes, words: tuple[str, ...]
) -> None:
    alice = user()
    upload(alice, name, content)
    shown = alice.wait(alice.submit("true", artifacts=[{"url": name}]))
    assert shown["status"] == "failed"
    assert all(word in shown["statusReason"] for word in words), shown["statusReason"]
    nothing_is_left(instance)


def test_a_corrupt_image_is_named(user: Callable[..., User], instance: Instance) -> None:
    corrupt: Path = instance.home.images / "corrupt.sif"
    corrupt.write_bytes(b"#!/usr/bin/env run-singularity\nSIF_MAGIC\x0001\x00" + bytes(4096))
    alice = user()
    shown = alice.wait(alice.submit("", tasks=[{"image": "/images/corrupt.sif", "cmd": "true"}]))
    assert shown["status"] == "failed", shown
    assert "'/images/corrupt.sif'" in shown["statusReason"]
    assert shown["statusReason"].endswith(".")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"outputFiles": ["../../etc/passwd"]}, "outputFiles[0]"),
        ({"outputDirs": ["a/../../b"]}, "outputDirs[0]"),
        ({"tasks": [{"image": BUSYBOX, "cmd": "echo 'open"}]}, "tasks[0].cmd"),
        ({"tasks": [{"image": BUSYBOX, "cmd": "nul\0byte"}]}, "tasks[0].cmd"),
        ({"inputs": [{"filename": "../x", "content": ""}]}, "inputs[0].filename"),
    ],
)
def test_what_can_never_work_is_refused_by_field(user: Callable[..., User], more: dict[str, Any], field: str) -> None:
    answer = user().call("POST", "/jobs", json={**job("true"), **more})
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == field


@pytest.mark.parametrize("command", ["", "   ", "''"])
def test_an_empty_command_ends_with_a_sentence_and_not_with_the_worker(user: Callable[..., User], command: str) -> None:
    answer = user().call("POST", "/jobs", json=job(command))
    if answer.status_code == 400:
        assert answer.json()["field"] == "tasks[0].cmd"
        return
    shown = user().wait(answer.json()["id"])
    assert shown["status"] == "completed", shown
    if command == "''":
        assert shown["execution"]["tasks"][0]["exitCode"] != 0
        assert "The task exited with code" in shown["statusReason"]


def test_every_quote_and_a_hundred_kilobytes_of_arguments_arrive_as_they_are(user: Callable[..., User]) -> None:
    words = ["'", '"', "\\", "`id`", "$(id)", "$HOME", "a  b", "*", ";", "&&", "é", "\t", "#", "", "%s"]
    words += [f"{number:05}" * 20 for number in range(950)]
    quoted = " ".join("'" + word.replace("'", "'\"'\"'") + "'" for word in words)
    alice = user()
    number = alice.submit(f"printf '<%s>\\n' {quoted}")
    shown = alice.wait(number)
    assert shown["status"] == "completed", shown
    assert alice.stdout(number) == "".join(f"<{word}>\n" for word in words)


def test_on_one_node_serial_tasks_run_once_wherever_they_are_asked_to(user: Callable[..., User]) -> None:
    alice = user()
    number = alice.submit("echo once", policies={"runSerialTasksOnAllNodes": True})
    assert alice.wait(number)["status"] == "completed"
    assert alice.stdout(number) == "once\n"
