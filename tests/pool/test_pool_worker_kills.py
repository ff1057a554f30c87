"""Whatever dies on a worker, and whenever: the job runs again and costs no retry, and nothing of the first run is left."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from cloud_provisioner.drivers.local.servers import Server
from deploy.instance import Instance
from tests.pool.conftest import MIRROR, User
from tests.pool.disaster import another_api, api_processes
from tests.pool.gates import Gates, gates
from tests.pool.registry import Registry, Relay, layer, program
from tests.pool.seeing import descendants, until
from tests.pool.slots import nothing_is_left, of_slots
from tests.pool.workers import PATIENCE, only, processes, top, written_by

pytestmark = pytest.mark.timeout(240)

BUSYBOX = "/images/busybox"


@dataclass
class Scene:
    """A pool that has one worker at a time, and jobs on it that stand still in each phase until they are let go on."""

    instance: Instance
    user: User
    gates: Gates
    relay: Relay

    @property
    def worker(self) -> Server:
        """The worker that is there now."""
        return only(self.instance)

    def scratch(self) -> set[Path]:
        """The scratch directories of jobs on all workers, and on what is left of workers."""
        return set(self.instance.home.workers.glob("*/pool/execute/*"))

    def partial_images(self) -> list[Path]:
        """Images that were begun and not finished."""
        return list(written_by(self.worker).glob("var/cache/prominence/partial/*"))

    def mounts(self) -> int:
        """How much is mounted on the worker."""
        first = next(descendants(top(self.worker)))
        return len(Path(f"/proc/{first}/mountinfo").read_text().splitlines())

    def pids(self, words: str) -> list[int]:
        """The processes on the worker in whose command line these words stand."""
        return processes(self.worker, words)


@pytest.fixture(scope="module")
def scene(breakable: Instance) -> Iterator[Scene]:
    settings = breakable.settings
    registry = Registry(program(settings.cache), breakable.home.path / "registry", settings.address(MIRROR))
    registry.start()
    busybox = breakable.home.images / "busybox"
    relay = Relay(registry, settings.address(MIRROR + 10))
    try:
        for moment in ("executor", "starter", "worker"):
            registry.push(f"tools/{moment}", "1", layer(busybox, {"text": moment.encode()}))
        with gates() as doors, another_api(breakable, "tests.pool.impatient:application()", "--threads", "8") as url:
            alice = User(breakable, "alice")
            alice.url = url
            yield Scene(breakable, alice, doors, relay)
            alice.session.close()
    finally:
        relay.close()
        registry.kill()


@pytest.fixture
def frozen_api(scene: Scene) -> Iterator[Callable[[int], None]]:
    """Stops the API that running jobs talk to, or lets it go on."""

    def send(number: int) -> None:
        for pid in api_processes(scene.instance):
            os.kill(pid, number)

    yield send
    send(signal.SIGCONT)


def kill(pids: list[int]) -> None:
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def kill_executors(scene: Scene) -> None:
    kill([pid for pid in scene.pids("worker.pyz") if pid in of_slots(scene.instance)])


def kill_starters(scene: Scene) -> None:
    kill(scene.pids("condor_starter"))


def kill_worker(scene: Scene) -> None:
    """The first process of its namespaces: the kernel ends all others with it. In a while another worker comes."""
    lost = scene.worker
    kill([next(descendants(top(lost)))])
    until(lambda: not lost.folder.exists(), PATIENCE)


def submit_phases(scene: Scene, moment: str) -> dict[str, int]:
    """A job for each phase; all but the last stand still there."""

    def task(path: str, **more: Any) -> dict[str, Any]:
        return {"image": BUSYBOX, "cmd": scene.gates.task(f"/{moment}/{path}"), **more}

    sidecar = {"image": BUSYBOX, "cmd": "sleep 3600", "type": "sidecar"}
    upload = {"image": BUSYBOX, "cmd": f"sh -c 'echo kept >kept; {scene.gates.task(f'/{moment}/stage-out')}'"}
    asked: dict[str, dict[str, Any]] = {
        "pull": {"tasks": [{"image": f"{scene.relay.address}/tools/{moment}:1", "cmd": "cat /text"}]},
        "stage-in": {
            "tasks": [{"image": BUSYBOX, "cmd": "cat stage-in"}],
            "artifacts": [{"url": f"{scene.gates.url}/{moment}/stage-in"}],
        },
        "task": {"tasks": [task("task")]},
        "sidecar": {"tasks": [sidecar, task("sidecar")]},
        "stage-out": {"tasks": [upload], "outputFiles": ["kept"]},
    }
    return {phase: scene.user.submit("", **more, policies={"maximumRetries": 0}) for phase, more in asked.items()}


def stand_still(scene: Scene, moment: str, freeze: Callable[[int], None], known: set[Path]) -> None:
    """Wait until each job is in its phase."""
    paths = [f"/{moment}/{phase}" for phase in ("stage-in", "task", "sidecar", "stage-out")]
    until(lambda: scene.relay.layers > 0 and all(scene.gates.waits[path] for path in paths), 60)
    until(lambda: bool(scene.pids("sleep 3600")), 20)
    freeze(signal.SIGSTOP)
    scene.gates.open(f"/{moment}/stage-out")

    def stores() -> bool:
        new = set(scene.instance.home.sandboxes.iterdir()) - known
        return any(_phase(folder) == "stagingOut" for folder in new)

    until(stores, 20)


def _phase(folder: Path) -> str:
    try:
        return str(json.loads((folder / "progress.json").read_text())["phase"])
    except (OSError, ValueError):
        return ""


@pytest.mark.parametrize(
    ("moment", "murder"),
    [("executor", kill_executors), ("starter", kill_starters), ("worker", kill_worker)],
    ids=["executor", "starter", "worker"],
)
def test_a_kill_in_any_phase_costs_no_job_no_retry_and_leaves_nothing(
    scene: Scene, frozen_api: Callable[[int], None], moment: str, murder: Callable[[Scene], None]
) -> None:
    scene.relay.open.clear()
    scene.relay.layers = 0
    mounts, known = scene.mounts(), set(scene.instance.home.sandboxes.iterdir())
    jobs = submit_phases(scene, moment)
    stand_still(scene, moment, frozen_api, known)
    first, scratch = set(of_slots(scene.instance)), scene.scratch()
    assert len(scratch) == len(jobs)
    murder(scene)
    until(lambda: not first & set(of_slots(scene.instance)) and not scratch & scene.scratch(), 20)
    frozen_api(signal.SIGCONT)
    scene.relay.open.set()
    scene.gates.open(*(f"/{moment}/{phase}" for phase in jobs))
    for phase, number in jobs.items():
        shown = scene.user.wait(number, seconds=90 + PATIENCE)
        execution = shown["execution"]
        assert (phase, shown["status"]) == (phase, "completed"), shown
        assert "statusReason" not in shown
        assert (execution["retries"], execution["interruptions"]) == (0, 1), (phase, execution)
        assert [task["exitCode"] for task in execution["tasks"]][-1] == 0
    assert scene.user.stdout(jobs["pull"]) == moment
    assert scene.user.stdout(jobs["stage-in"]) == "open\n"
    kept = scene.user.describe(jobs["stage-out"])["outputFiles"][0]
    assert requests.get(kept["url"], timeout=30).text == "kept\n"
    nothing_is_left(scene.instance)
    until(lambda: not scene.scratch() and not scene.partial_images() and scene.mounts() == mounts, 20)


def test_a_container_that_is_killed_is_a_task_that_failed_and_a_sidecar_none(scene: Scene) -> None:
    wait = {"image": BUSYBOX, "cmd": scene.gates.task("/container/task")}
    sidecar = {"image": BUSYBOX, "cmd": "sleep 3601", "type": "sidecar"}
    alone, beside = scene.user.submit("", tasks=[wait]), scene.user.submit("", tasks=[sidecar, wait])
    until(lambda: scene.gates.waits["/container/task"] == 2 and bool(scene.pids("sleep 3601")), 60)
    kill(scene.pids("sleep 3601"))
    kill([min(scene.pids(wait["cmd"]))])
    ends = {number: scene.user.wait(number, "completed", "running", seconds=60) for number in (alone, beside)}
    until(lambda: any(scene.user.describe(number)["status"] == "completed" for number in ends), 30)
    scene.gates.open("/container/task")
    shown = [scene.user.wait(number) for number in (alone, beside)]
    assert [one["status"] for one in shown] == ["completed"] * 2
    codes = [[task["exitCode"] for task in one["execution"]["tasks"]] for one in shown]
    assert sorted(codes, key=len) in ([[137], [137, 0]], [[0], [137, 137]])
    assert {one.get("statusReason") for one in shown} & {
        "The task exited with code 137.",
        "Task 2 of 2 exited with code 137.",
    }
    nothing_is_left(scene.instance)
    until(lambda: not scene.scratch(), 20)


def test_a_worker_that_fails_a_job_three_times_ends_it_with_a_sentence(scene: Scene) -> None:
    number = scene.user.submit(scene.gates.task("/thrice"), policies={"maximumRetries": 3})
    for run in range(1, 4):
        until(lambda run=run: scene.gates.waits["/thrice"] == run, 60)  # type: ignore[misc]
        kill_executors(scene)
        if run < 3:
            shown = scene.user.wait(number, "idle", seconds=20)
            assert shown["statusReason"] == "Its worker failed; it is tried again in a moment."
    shown = scene.user.wait(number, seconds=30)
    assert (shown["status"], shown["statusReason"]) == (
        "failed",
        "The program that runs tasks on the worker was killed (signal 9).",
    )
    assert (shown["execution"]["retries"], shown["execution"]["interruptions"]) == (0, 2)
    scene.gates.open("/thrice")
    nothing_is_left(scene.instance)
