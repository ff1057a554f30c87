"""A real instance for the tests of this folder: pool, one worker kept ready and API, in a home and on a port of its own."""

from __future__ import annotations

import atexit
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy import nodes, service
from deploy.home import Settings, from_environment
from deploy.instance import Instance
from deploy.namespaces import remove_tree
from tests.pool.workers import log_tails, wait_for_workers

PORT = int(os.environ.get("PROMINENCE_TEST_PORT", "18463"))
EXPENDABLE_PORT = int(os.environ.get("PROMINENCE_TEST_EXPENDABLE_PORT", "18470"))
MIRROR = 200
"""Number of the instance's loopback address on which its registry mirror is, while a test runs one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/pool" in str(item.path):
            item.add_marker(pytest.mark.pool)


@pytest.fixture(scope="session")
def shared() -> list[Instance]:
    """The instance that tests share, once one of them has asked for it."""
    return []


@pytest.fixture(scope="session")
def instance(shared: list[Instance]) -> Iterator[Instance]:
    # More CPUs than any test needs: a slot whose job lost its shadow to a killed schedd may be held for a long time.
    settings = replace(from_environment(os.environ), home=a_home("pool"), port=PORT, workers=1, worker_cpus=4)
    for started in running(replace(settings, registry_mirror=f"http://{settings.address(MIRROR)}:5000")):
        shared.append(started)
        yield started
        shared.clear()


@pytest.fixture(scope="module")
def expendable() -> Iterator[Instance]:
    """An instance without workers, and without a site to make some, for tests that break it."""
    settings = replace(
        from_environment(os.environ), home=a_home("expendable"), port=EXPENDABLE_PORT, workers=0, most_workers=0
    )
    yield from running(settings)


@pytest.fixture(scope="module")
def breakable() -> Iterator[Instance]:
    """An instance with a worker, for tests that break that."""
    home = a_home("breakable")
    yield from running(replace(from_environment(os.environ), home=home, port=EXPENDABLE_PORT, workers=1, worker_cpus=6))


def a_home(name: str) -> Path:
    """Where an instance can be whose workers' accounts of slots reach what is theirs; deleted when the tests end.

    Not in pytest's own folder: each other session that begins closes that to others.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"prominence-{name}-"))
    folder.chmod(0o711)
    atexit.register(remove_tree, folder)
    return folder / "home"


def running(settings: Settings) -> Iterator[Instance]:
    """A started instance whose workers have joined, which is cleaned away at the end; prints its logs."""
    started = Instance(settings)
    try:
        started.start(print)
        wait_for_workers(started, settings.workers)
        yield started
    finally:
        print(nodes.log_tails(nodes.head(started.home, settings.home)), log_tails(started.home), sep="\n")
        started.clean()


@pytest.fixture(scope="module", autouse=True)
def tidy(shared: list[Instance]) -> Iterator[None]:
    """Takes what a module's tests left in the queue out of it: the next ones need the worker's CPUs."""
    yield
    for running in shared:
        # It fails where there is none.
        running.on_head(["condor_rm", "-name", "prominence@", "-all"])


Document = dict[str, Any]


class User:
    """Somebody who speaks to the API."""

    def __init__(self, instance: Instance, name: str, groups: tuple[str, ...] = ()) -> None:
        self.url = instance.settings.url
        token = service.mint(instance.settings, instance.home, name, groups, [], 3600)
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=30, **more)

    def submit(self, cmd: str, **more: Any) -> int:
        answer = self.call("POST", "/jobs", json=job(cmd, **more))
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def describe(self, number: int) -> Document:
        found = self.call("GET", f"/jobs/{number}").json()
        assert len(found) == 1, found
        return dict(found[0])

    def wait(self, number: int, *statuses: str, seconds: float = 60) -> Document:
        deadline = time.monotonic() + seconds
        while True:
            shown = self.describe(number)
            if shown["status"] in (statuses or ("completed", "failed", "killed", "deleted")):
                return shown
            assert time.monotonic() < deadline, f"job {number} is still {shown}"
            time.sleep(0.1)

    def stdout(self, number: int) -> str:
        answer = self.call("GET", f"/jobs/{number}/stdout")
        assert answer.status_code == 200, answer.text
        return answer.text


def job(cmd: str, **more: Any) -> Document:
    """A small job that runs `cmd` in the example image."""
    task = {"image": "/images/busybox", "cmd": cmd}
    return {"resources": {"cpus": 1, "memory": 0.25, "disk": 1}, "tasks": [task], **more}


@pytest.fixture
def user(instance: Instance) -> Callable[..., User]:
    return lambda name="alice", groups=(): User(instance, name, groups)
