"""Workflows of the user bench at the started instance: submit, wait, take away; and what event logs tell of them."""

from __future__ import annotations

import http.client
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import htcondor2

from pool.attributes import Job
from pool.event_log import Kind
from pool.session import Pool
from tests.bench.submit import DOCUMENT, INSTANCE, token

Document = Mapping[str, Any]
USER = "bench"
ENDED = ("completed", "failed", "killed", "deleted")
_ANSWER_PATIENCE = 600.0
_REMOVAL_PATIENCE = 600.0


@dataclass(frozen=True)
class Submitted:
    """A workflow in the queue: its id, the name of its submission, when it was posted (epoch), and for how many seconds."""

    number: int
    submission: str
    began: float
    seconds: float

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return INSTANCE.home.sandboxes / self.submission


class Api:
    """One connection, of the benchmark's user."""

    def __init__(self) -> None:
        self._headers = {"Authorization": f"Bearer {token(USER)}"}
        host, port = INSTANCE.settings.host, INSTANCE.settings.port
        self._connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_PATIENCE)

    def call(self, method: str, path: str, body: bytes | None = None) -> Any:
        """The document that is the answer; RuntimeError where it is a refusal."""
        self._connection.request(method, f"/prominence/v1{path}", body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(text.decode())
        return json.loads(text)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def status(self, number: int) -> str:
        """The state of a workflow."""
        return str(self.call("GET", f"/workflows/{number}")[0]["status"])


@contextmanager
def connected() -> Iterator[Api]:
    """A connection that was used, for as long as the block lasts."""
    api = Api()
    try:
        api.call("GET", "/workflows")
        yield api
    finally:
        api.close()


@cache
def pool() -> Pool:
    """The session with the instance's schedd."""
    return Pool()


def schedd() -> htcondor2.Schedd:
    """The instance's schedd, for what the service never asks of it."""
    return htcondor2.Schedd(htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, "prominence@"))


def job(name: str) -> Document:
    """A job of a workflow, which does nothing."""
    return {**DOCUMENT, "name": name}


def sweep(count: int) -> Document:
    """A workflow of one job in `count` instances."""
    parameter = {"name": "x", "start": 1, "end": count, "step": 1}
    factory = {"type": "parameterSweep", "jobs": ["many"], "parameters": [parameter]}
    return {"name": "bench", "jobs": [job("many")], "factories": [factory]}


@contextmanager
def posted(document: Document) -> Iterator[Submitted]:
    """Submits a workflow through the API. When the block ends nothing is left of it."""
    body = json.dumps(document).encode()
    with connected() as api:
        began, clock = time.time(), time.perf_counter()
        number = int(api.call("POST", "/workflows", body)["id"])
        seconds = time.perf_counter() - clock
    ad = pool().query(f"ClusterId == {number}", [Job.SUBMISSION], 1)[0]
    submitted = Submitted(number, str(ad[Job.SUBMISSION]), began, seconds)
    try:
        yield submitted
    finally:
        remove(number)
        discard(submitted.submission)


def until(holds: Callable[[], bool], seconds: float, step: float) -> None:
    """Waits until `holds()`, asked every `step` seconds; RuntimeError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"It is not so within {seconds:.0f} s: see the instance's logs and its queue.")
        time.sleep(step)


def in_queue(number: int, limit: int = -1) -> int:
    """How many jobs of a cluster, and of the workflow that it may be, are in the queue; counted up to `limit`."""
    return len(pool().query(f"ClusterId == {number} || DAGManJobId == {number}", ["ClusterId"], limit))


def gone(number: int) -> None:
    """Waits until nothing of the cluster, or of the workflow, is in the queue."""
    until(lambda: not in_queue(number, 1), _REMOVAL_PATIENCE, 0.1)


def remove(number: int) -> None:
    """Removes a cluster, or a workflow with its jobs, if it is in the queue, and waits until it has gone."""
    schedd().act(htcondor2.JobAction.Remove, [str(number)], reason=("benchmark", 0))
    gone(number)


def remove_all() -> None:
    """Removes whatever the benchmark's user has in the queue."""
    schedd().act(htcondor2.JobAction.Remove, f'Owner == "{USER}"', reason=("benchmark", 0))


def discard(submission: str) -> None:
    """Deletes the folders of a workflow of which nothing is in the queue, and those of its instances."""
    for folder in INSTANCE.home.sandboxes.glob(f"{submission[:24]}*"):
        shutil.rmtree(folder, ignore_errors=True)


class Logged(NamedTuple):
    """An event: when (epoch seconds), what, and with which exit code, where it is the end of a job."""

    time: float
    kind: int
    code: int | None


def events(log: Path) -> list[Logged]:
    """All events of a log, the earliest first; none where it is not there yet."""
    if not log.exists():
        return []
    reader = htcondor2.JobEventLog(str(log))
    try:
        return [_logged(dict(event)) for event in reader.events(0)]
    finally:
        reader.close()


def _logged(facts: Mapping[str, Any]) -> Logged:
    # A time without a zone is that of this machine.
    when = datetime.fromisoformat(str(facts["EventTime"])).timestamp()
    return Logged(when, int(facts["EventTypeNumber"]), facts.get("ReturnValue"))


def times(log: Path, kind: Kind, code: int | None = None) -> list[float]:
    """When there were events of a kind, those alone that have this exit code where one is given."""
    return [event.time for event in events(log) if event.kind == kind and code in (None, event.code)]
