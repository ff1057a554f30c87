"""What the tests of workflows share: to submit one, to wait for it, and to see its jobs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from tests.pool.conftest import Document, User, job

ENDED = ("completed", "failed", "killed", "deleted")


def member(name: str, cmd: str = "true", **more: Any) -> Document:
    """A job of a workflow."""
    return job(cmd, name=name, **more)


def sweep(job: str, **ranges: tuple[float, float, float]) -> Document:
    """A factory that sweeps the parameters of a job: start, end and step of each."""
    parameters = [
        {"name": name, "start": start, "end": end, "step": step} for name, (start, end, step) in ranges.items()
    ]
    return {"type": "parameterSweep", "jobs": [job], "parameters": parameters}


def submit(user: User, jobs: Iterable[Document], **more: Any) -> int:
    """The id of a new workflow of the user's."""
    answer = user.call("POST", "/workflows", json={"name": "family", "jobs": list(jobs), **more})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def describe(user: User, number: int) -> Document:
    """The user's workflow of that id."""
    found = user.call("GET", f"/workflows/{number}").json()
    assert len(found) == 1, found
    return dict(found[0])


def wait(user: User, number: int, *statuses: str, seconds: float = 90) -> Document:
    """The workflow once it is in one of these states, or has ended."""
    deadline = time.monotonic() + seconds
    while True:
        shown = describe(user, number)
        assert (
            sum(shown["progress"][name] for name in ("done", "failed", "queued", "waiting"))
            == shown["progress"]["total"]
        )
        if shown["status"] in (statuses or ENDED):
            return shown
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)


def jobs_of(user: User, number: int, selection: str = "all") -> dict[str, Document]:
    """The jobs of a workflow by their names, without that of the workflow."""
    answer = user.call("GET", f"/jobs?workflow=true&id={number}&{selection}")
    assert answer.status_code == 200, answer.text
    return {shown["name"].removeprefix("family/"): shown for shown in answer.json()}
