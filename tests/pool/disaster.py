"""What tests of crashes and outages need: a pool to break, and the queue as its operator sees it."""

from __future__ import annotations

import socket
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import requests

from deploy import nodes, service
from deploy.instance import Instance
from deploy.namespaces import Process
from tests.pool.conftest import Document, User, job
from tests.pool.seeing import descendants, head_of, until


@dataclass(frozen=True)
class Queued:
    """A job that came through the API, in the queue or in the history."""

    id: int
    submission: str
    name: str


def api_processes(instance: Instance) -> list[int]:
    """The processes of the instance's API."""
    master = service.process(instance.home).pid()
    assert master is not None
    return [master, *descendants(master)]


def all_jobs(instance: Instance) -> list[Queued]:
    """The API's jobs in the queue and in the history, as HTCondor's own tools show them."""
    found = []
    for command in (["condor_q", "-allusers"], ["condor_history"]):
        columns = ["-constraint", "ProminenceUser =!= undefined", "-af", "ClusterId", "ProminenceSubmission"]
        lines = nodes.run_on_head(head_of(instance), [*command, *columns, "JobBatchName"]).splitlines()
        found += [Queued(int(id), submission, name) for id, submission, name in map(str.split, lines)]
    return found


def by_name(jobs: list[Queued]) -> Mapping[str, int]:
    """How many jobs there are of each name."""
    return Counter(one.name for one in jobs)


def waiting(name: str) -> Document:
    """A job that stays in the queue: no worker is at its site."""
    return job("true", name=name, policies={"placement": {"requirements": {"sites": ["nowhere"]}}})


def health(url: str) -> int:
    """The status of the answer to GET /health."""
    return requests.get(f"{url}/health", timeout=60).status_code


def delete_all(user: User) -> None:
    """Deletes whatever the user has in the queue."""
    ids = [str(one["id"]) for one in user.call("GET", "/jobs").json()]
    for start in range(0, len(ids), 500):
        answer = user.call("DELETE", "/jobs", params={"id": ",".join(ids[start : start + 500])})
        assert answer.status_code == 200, answer.text


@contextmanager
def another_api(instance: Instance, app: str, *options: str, **environ: str) -> Iterator[str]:
    """A second REST API over the instance's pool and files, with the WSGI application `app`; its base address."""
    port = _free_port(instance.settings.host)
    url = replace(instance.settings, port=port).url
    command = [sys.executable, "-m", "gunicorn", "--bind", f"{instance.settings.host}:{port}", "--no-control-socket"]
    command += ["--worker-class", "gthread", "--graceful-timeout", "1", *options, app]
    process = Process(instance.home.run / f"api-{port}.pid")
    log = instance.home.log / f"api-{port}.log"
    process.start(command, log, service.environment(instance.home) | environ)
    try:
        until(lambda: process.pid() is None or _listens(url), 30)
        assert process.pid() is not None, log.read_text()
        yield url
    finally:
        process.stop(10)


def _free_port(host: str) -> int:
    with socket.socket() as one:
        one.bind((host, 0))
        return int(one.getsockname()[1])


def _listens(url: str) -> bool:
    try:
        return health(url) > 0
    except requests.ConnectionError:
        return False
