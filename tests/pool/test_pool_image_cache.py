"""The images that the jobs of one worker share: fetched once however many ask, and deleted when there is no room for them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.home import from_environment
from deploy.instance import Instance
from tests.pool.conftest import EXPENDABLE_PORT, MIRROR, User, a_home, running
from tests.pool.registry import Registry, Relay, layer, program
from tests.pool.workers import only, processes

pytestmark = pytest.mark.timeout(300)

CROWD = 20
STORE = "/var/cache/prominence"


@pytest.fixture(scope="module")
def crowded() -> Iterator[Instance]:
    """An instance whose one worker runs many jobs at a time."""
    home = a_home("crowded")
    settings = replace(from_environment(os.environ), home=home, port=EXPENDABLE_PORT, workers=1, worker_cpus=CROWD)
    yield from running(replace(settings, worker_memory=CROWD * 256 + 1024))


@pytest.fixture(scope="module")
def registry(crowded: Instance) -> Iterator[Registry]:
    started = Registry(
        program(crowded.settings.cache), crowded.home.path / "registry", crowded.settings.address(MIRROR)
    )
    started.start()
    yield started
    started.kill()


@pytest.fixture
def relay(crowded: Instance, registry: Registry) -> Iterator[Relay]:
    put = Relay(registry, crowded.settings.address(MIRROR + 10))
    yield put
    put.close()


@pytest.fixture
def pushed(crowded: Instance, registry: Registry, relay: Relay) -> Callable[[str], str]:
    """Puts the example image with a text in it into the registry; its name, by which it comes over the relay."""

    def push(text: str) -> str:
        registry.push(f"tools/{text}", "1", layer(crowded.home.images / "busybox", {"text": text.encode()}))
        return f"{relay.address}/tools/{text}:1"

    return push


def submit(user: User, image: str, cmd: str = "cat /text") -> int:
    return int(user.submit("", tasks=[{"image": image, "cmd": cmd}]))


def worker_process(instance: Instance) -> int:
    """The master of the worker, as this process sees it."""
    return processes(only(instance), "condor_master")[0]


def keep(instance: Instance, percent: int) -> None:
    """Makes room on the worker as an operator does."""
    as_root = [] if os.getuid() == 0 else ["--user", "--preserve-credentials"]
    enter = ["nsenter", "-t", str(worker_process(instance)), *as_root, "--mount", "--pid", "--root", "--wd"]
    command = ["/pool/config/image_keeper.py", STORE, "--once", f"--percent={percent}"]
    subprocess.run([*enter, *command], check=True, timeout=60)


def images(instance: Instance) -> set[str]:
    """The digests of the images in the worker's store."""
    folder = Path(f"/proc/{worker_process(instance)}/root{STORE}/images")
    return {entry.name.rpartition("-")[2] for entry in folder.iterdir()}


def only_task(shown: dict[str, Any]) -> dict[str, Any]:
    assert shown["status"] == "completed", shown
    return dict(shown["execution"]["tasks"][0])


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_twenty_jobs_that_start_at_once_from_one_image_fetch_it_once(
    crowded: Instance, relay: Relay, pushed: Callable[[str], str]
) -> None:
    image = pushed("crowd")
    relay.open.clear()
    alice = User(crowded, "alice")
    numbers = [submit(alice, image) for _ in range(CROWD)]
    # The layer waits until all of them have asked what the name stands for: all run now.
    until(lambda: sum(line.startswith("HEAD") for line in relay.seen) == CROWD, 120)
    relay.open.set()
    records = [only_task(alice.wait(number, seconds=120)) for number in numbers]
    assert sorted(one["imagePullStatus"] for one in records) == ["cached"] * (CROWD - 1) + ["completed"]
    assert {alice.stdout(number) for number in numbers} == {"crowd"}
    assert relay.layers == 1
    blobs = [line for line in relay.seen if "/blobs/" in line]
    assert len(blobs) == 2  # the configuration and the layer


def test_a_jobs_tasks_of_one_name_share_what_it_stood_for_at_first(
    crowded: Instance, relay: Relay, pushed: Callable[[str], str]
) -> None:
    image = pushed("twice")
    alice = User(crowded, "alice")
    number = int(alice.submit("", tasks=[{"image": image, "cmd": "cat /text"}] * 2))
    assert alice.wait(number)["status"] == "completed"
    assert sum(line.startswith("HEAD") for line in relay.seen) == 1


def test_room_is_made_of_what_no_running_job_uses(crowded: Instance, pushed: Callable[[str], str]) -> None:
    alice = User(crowded, "alice")
    used, unused = pushed("used"), pushed("unused")
    unused_digest = only_task(alice.wait(submit(alice, unused)))["imageSha256"]
    number = submit(alice, used, "sh -c 'cat /text; while [ ! -e stop ]; do cat /text >/dev/null; sleep 0.2; done'")
    until(lambda: alice.call("GET", f"/jobs/{number}/stdout").text == "used")
    before = images(crowded)
    assert unused_digest in before
    keep(crowded, percent=0)
    left = images(crowded)
    assert len(left) == 1
    assert unused_digest not in left
    answer = alice.call("POST", f"/jobs/{number}/exec?command=touch,stop")
    assert answer.status_code == 200, answer.text
    used_digest = only_task(alice.wait(number))["imageSha256"]
    assert left == {used_digest}
    keep(crowded, percent=0)
    assert images(crowded) == set()
    assert only_task(alice.wait(submit(alice, used)))["imagePullStatus"] == "completed"


def test_the_workers_master_keeps_a_keeper(crowded: Instance) -> None:
    def keepers() -> list[int]:
        # The one that a test runs itself ends before the test goes on.
        return processes(only(crowded), "image_keeper")

    until(lambda: len(keepers()) == 1)
    first = keepers()[0]
    os.kill(first, 9)
    until(lambda: len(keepers()) == 1 and keepers()[0] != first)
