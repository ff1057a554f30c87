"""What tests of crashes and outages need: a pool to break, its daemons by process id, and the queue as its operator sees it."""

from __future__ import annotations

import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import requests

from deploy import appliance, nodes, service
from deploy.instance import Instance
from deploy.namespaces import Process
from tests.pool.conftest import Document, User, job


@dataclass(frozen=True)
class Queued:
    """A job that came through the API, in the queue or in the history."""

    id: int
    submission: str
    name: str


def head_of(instance: Instance) -> nodes.Node:
    """The node with the instance's collector and schedd."""
    node, _ = nodes.nodes_of(instance.settings, instance.home, appliance.ensure(instance.settings.cache, print))
    return node


def daemon(node: nodes.Node, name: str) -> int | None:
    """Process id, as seen from outside of the node, of the daemon `name` there; None while it does not run."""
    first = node.process.pid()
    for pid in descendants(first) if first is not None else ():
        # Names of processes end after 15 characters.
        if _read(f"/proc/{pid}/comm").strip() == name[:15]:
            return pid
    return None


def descendants(pid: int) -> Iterator[int]:
    """The children of a process, their children, and so on."""
    for child in map(int, _read(f"/proc/{pid}/task/{pid}/children").split()):
        yield child
        yield from descendants(child)


def api_processes(instance: Instance) -> list[int]:
    """The processes of the instance's API."""
    master = service.process(instance.home).pid()
    assert master is not None
    return [master, *descendants(master)]


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


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


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Waits until `holds()`, `seconds` at most."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.02)


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
