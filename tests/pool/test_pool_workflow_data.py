"""Data between the jobs of a workflow: what one leaves in object storage, others have as artifacts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.pool.conftest import User
from tests.pool.families import describe, jobs_of, member, submit, sweep, wait

pytestmark = pytest.mark.timeout(240)

Users = Callable[..., User]
MAKE = "sh -c 'echo value $x > out.txt; mkdir -p d/res; echo deep $x > d/res/f; echo y > $x.dat'"


def reading(*urls: str) -> dict[str, Any]:
    return {"artifacts": [{"url": url} for url in urls]}


def put(user: User, name: str, content: bytes) -> None:
    url = user.call("POST", "/data/upload", json={"filename": name}).json()["url"]
    assert requests.put(url, data=content, timeout=30).status_code == 200


def output(user: User, number: int, job: str) -> str:
    answer = user.call("GET", f"/workflows/{number}/{job}/stdout")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_what_a_sweep_leaves_is_there_for_one_job_that_gathers_and_for_many_that_go_on(user: Users) -> None:
    alice = user()
    gather = "sh -c 'cat make/?/out.txt; cat make/*/d/res/f'"
    mounted = [{"url": "job://make/*/*.dat", "mountpoint": "make:/in"}, {"url": "job://make/0/d/res"}]
    number = submit(
        alice,
        [
            # Those that read stand first: the order follows from what they read.
            member("gather", gather, **reading("job://make/*/out.txt", "job://make/*/d/res")),
            member("go on", "cat out.txt", **reading("job://make/$x/out.txt")),
            member("one", "cat 1.dat", **reading("job://make/1/$x.dat")),
            member("mount", "sh -c 'ls /in/0 /in/2; cat res/f'", artifacts=mounted),
            member("make", MAKE, outputFiles=["out.txt", "*.dat", "$x.dat"], outputDirs=["d/res"]),
        ],
        factories=[sweep("make", x=(0, 2, 1)), sweep("go on", x=(0, 2, 1))],
    )
    assert wait(alice, number, seconds=150)["status"] == "completed", jobs_of(alice, number)
    values = ["value 0\n", "value 1\n", "value 2\n"]
    assert output(alice, number, "gather") == "".join(values) + "deep 0\ndeep 1\ndeep 2\n"
    assert [output(alice, number, f"go on/{place}") for place in range(3)] == values
    assert output(alice, number, "one") == "y\n"
    assert output(alice, number, "mount") == "/in/0:\n0.dat\n\n/in/2:\n2.dat\ndeep 0\n"


def test_a_missing_output_fails_with_the_name_of_the_job_that_did_not_leave_it(user: Users) -> None:
    alice = user()
    make = "sh -c 'echo x > a.txt; test $n = 1 && echo y > b.txt; true'"
    number = submit(
        alice,
        [member("make", make, outputFiles=["*.txt"]), member("read", "true", **reading("job://make/*/b.txt"))],
        factories=[{"type": "zip", "jobs": ["make"], "parameters": [{"name": "n", "values": ["1", "2"]}]}],
    )
    shown = wait(alice, number)
    assert shown["status"] == "failed"
    assert shown["statusReason"].startswith("Job read failed: "), shown
    assert "The job 'make/1' of this workflow left no 'b.txt'" in shown["statusReason"]


def test_a_rerun_finds_what_the_earlier_workflow_left(user: Users) -> None:
    alice, marker = user(), f"data-{time.time_ns()}"
    fetch = f'wget -q -O- --header "Authorization: Bearer $PROMINENCE_TOKEN" $PROMINENCE_URL/kv/{marker}'
    read = f"sh -c '{fetch} | grep yes && cat make/*/out.txt'"
    number = submit(
        alice,
        [member("make", MAKE, outputFiles=["out.txt"]), member("read", read, **reading("job://make/*/out.txt"))],
        factories=[sweep("make", x=(0, 1, 1))],
    )
    assert wait(alice, number)["status"] == "failed"
    assert alice.call("POST", f"/kv/{marker}", data=b"yes").status_code == 201
    answer = alice.call("PUT", f"/workflows/{number}")
    assert answer.status_code == 201, answer.text
    again = int(answer.json()["id"])
    assert wait(alice, again)["status"] == "completed"
    assert output(alice, again, "read") == "yes\nvalue 0\nvalue 1\n"


def test_an_upload_is_found_when_the_job_runs_and_may_be_another_for_each_instance(user: Users) -> None:
    alice = user(groups=("team",))
    refused = alice.call("POST", "/workflows", json={"jobs": [member("read", **reading("never-uploaded"))]})
    assert refused.status_code == 400
    assert "never-uploaded" in refused.json()["error"]
    for place in range(2):
        put(alice, f"team/in-{place}.txt", f"input {place}\n".encode())
    jobs = [member("read", "sh -c 'cat in-$x.txt'", **reading("team/in-$x.txt"))]
    number = submit(alice, jobs, factories=[sweep("read", x=(0, 2, 1))])
    assert wait(alice, number)["status"] == "failed"
    assert [output(alice, number, f"read/{place}") for place in range(2)] == ["input 0\n", "input 1\n"]
    assert "team/in-2.txt" in describe(alice, number)["statusReason"]


def test_a_job_of_another_workflow_gets_nothing(user: Users) -> None:
    alice = user()
    show = "sh -c 'echo $PROMINENCE_TOKEN'"
    jobs = [member("make", MAKE, outputFiles=["out.txt"]), member("read", show, **reading("job://make/out.txt"))]
    numbers = [submit(alice, jobs), submit(alice, [member("make"), member("read", show)])]
    assert [wait(alice, number)["status"] for number in numbers] == ["completed", "completed"]
    statuses = []
    for number in numbers:
        token = output(alice, number, "read").strip()
        answer = requests.post(
            f"{alice.url}/data/artifact",
            json={"url": "job://make/out.txt"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        statuses.append((answer.status_code, answer.json().get("code")))
    assert statuses == [(200, None), (400, "notAnArtifact")]
