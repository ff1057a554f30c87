"""Commands in running jobs, and snapshots of their files, through the whole service."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from deploy.instance import Instance

pytestmark = pytest.mark.timeout(180)
JSON = {"Accept": "application/json"}


def running(alice: Any, cmd: str = "sleep 600", **more: Any) -> int:
    """A job whose task runs."""
    number = int(alice.submit(cmd, **more))
    alice.wait(number, "running")
    deadline = time.monotonic() + 30
    while (answer := alice.call("POST", f"/jobs/{number}/exec?command=true")).status_code != 200:
        assert answer.json()["code"] == "notRunning", answer.text
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return number


def test_a_command_runs_in_the_jobs_container_and_home(user: Callable[..., Any]) -> None:
    alice = user()
    task = {"image": "/images/busybox", "cmd": "sh -c 'echo made > file; cd /tmp; exec sleep 600'", "env": {"A": "b,c"}}
    number = running(alice, tasks=[task])
    answer = alice.call(
        "POST", f"/jobs/{number}/exec?command=sh,-c,pwd; cat file; echo $A$PROMINENCE_JOB_ID; echo e >%262"
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Prominence-Exit-Code"] == "0"
    assert answer.text == f"/home/user\nmade\nb,c{number}\ne\n"
    body = {"command": ["sh", "-c", "echo a,b; echo e >&2; ps; exit 3"], "timeout": 20}
    result = alice.call("POST", f"/jobs/{number}/exec", json=body, headers=JSON).json()
    assert (result["exitCode"], result["stderr"], result["truncated"]) == (3, "e\n", False)
    assert result["stdout"].startswith("a,b\n")
    assert "sleep 600" in result["stdout"]  # the task itself: the same container, not another of the same image
    assert alice.call("DELETE", f"/jobs/{number}").status_code == 200


def test_what_cannot_be_run_is_400_and_anothers_job_403(user: Callable[..., Any]) -> None:
    alice, bob = user("alice"), user("bob@example.org")
    number = running(alice)
    for query, code in (
        ("command=no-such", "notStarted"),
        ("command=sleep,600&timeout=1", "timeOver"),
        ("command=", "invalidParameter"),
        ("", "invalidParameter"),
    ):
        answer = alice.call("POST", f"/jobs/{number}/exec?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    processes = alice.call("POST", f"/jobs/{number}/exec?command=ps").text
    assert "sleep 600" in processes
    assert len([line for line in processes.splitlines() if "sleep" in line]) == 1
    assert bob.call("POST", f"/jobs/{number}/exec?command=true").status_code == 403
    assert bob.call("PUT", f"/jobs/{number}/snapshot?path=x").status_code == 403
    assert bob.call("GET", f"/jobs/{number}/snapshot").status_code == 403
    assert alice.call("DELETE", f"/jobs/{number}").status_code == 200
    alice.wait(number, "deleted")
    answer = alice.call("POST", f"/jobs/{number}/exec?command=true")
    assert (answer.status_code, answer.json()["code"]) == (400, "notRunning")


def test_a_job_that_ends_ends_the_command_and_its_request(user: Callable[..., Any]) -> None:
    alice = user()
    number = running(alice)
    answers: list[requests.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(user().call("POST", f"/jobs/{number}/exec?command=sleep,300&timeout=300"))
    )
    asking.start()
    deadline = time.monotonic() + 20
    while "sleep 300" not in alice.call("POST", f"/jobs/{number}/exec?command=ps").text:
        assert time.monotonic() < deadline
    assert alice.call("DELETE", f"/jobs/{number}").status_code == 200
    asking.join(30)
    assert [answer.status_code for answer in answers] == [400]
    assert answers[0].json()["code"] in ("notRunning", "taskEnded")


def test_a_snapshot_can_be_downloaded_and_shows_nothing_outside_of_the_home(user: Callable[..., Any]) -> None:
    alice = user()
    number = running(alice, "sh -c 'mkdir d; echo text > d/x; ln -s /etc/passwd d/link; ln -s / out; exec sleep 600'")
    assert alice.call("GET", f"/jobs/{number}/snapshot").status_code == 400
    answer = alice.call("PUT", f"/jobs/{number}/snapshot?path=d")
    assert (answer.status_code, answer.json()) == (200, {})
    url = alice.call("GET", f"/jobs/{number}/snapshot").json()["url"]
    archive = requests.get(url, timeout=30)
    assert archive.status_code == 200
    with tarfile.open(fileobj=io.BytesIO(archive.content), mode="r:gz") as tar:
        assert sorted(tar.getnames()) == ["d", "d/link", "d/x"]
        assert tar.getmember("d/link").issym()
    for path in ("../token", "/etc/passwd", "out/etc/passwd", "d/link", "absent", ""):
        refused = alice.call("PUT", f"/jobs/{number}/snapshot", params={"path": path})
        assert refused.status_code == 400, path
    assert alice.call("DELETE", f"/jobs/{number}").status_code == 200
    assert alice.call("GET", f"/jobs/{number}/snapshot").status_code == 200


def test_nothing_of_a_request_is_left_in_the_jobs_folder(user: Callable[..., Any], instance: Instance) -> None:
    alice = user()
    number = running(alice)
    folders = list(instance.home.sandboxes.glob("*/exchange"))
    assert folders
    assert [path for folder in folders for path in folder.iterdir()] == []
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    assert alice.call("DELETE", f"/jobs/{number}").status_code == 200
