"""Sidecars: started before the tasks, ended with them, and never a job's failure. Run for real, without containers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from worker.ended import Ended
from worker.errors import RuntimeUnavailableError
from worker.images import Image
from worker.images.errors import ImageNotFoundError
from worker.job import SIDECAR, Policies, Task
from worker.processes import Evicted, Eviction, run
from worker.report import TaskRecord
from worker.runtimes import Program
from worker.sidecars import Sidecars
from worker.tasks import Failure, Ways, run_all


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


class Job:
    """Runs a job's tasks in a directory; what sidecars need is `furnished` while they run."""

    def __init__(self, directory: Path, grace: float = 10) -> None:
        self.directory = directory
        self.records: list[TaskRecord] = []
        self.eviction = Eviction()
        self.grace = grace
        self.furnished: list[str] = []

    def __call__(self, *tasks: Task, policies: Policies = Policies()) -> Failure | None:  # noqa: B008  (it is constant)
        with Sidecars(self.eviction, time.time, self.grace) as self.beside:
            return run_all(tasks, policies, Ways(self.obtain, self.launch, self.accompany), self.records, time.time)

    def obtain(self, task: Task) -> Image:
        if task.image == "missing":
            raise ImageNotFoundError(task.image, "nowhere")
        return Image(Path("/"), "abc", cached=True)

    def launch(self, task: Task, image: Image) -> Ended:
        return run(task.command, self.env, self.eviction, cwd=self.directory)

    def accompany(self, task: Task, image: Image, record: TaskRecord) -> None:
        self.beside.start(self.prepared(task), record, None)

    @contextmanager
    def prepared(self, task: Task) -> Iterator[Program]:
        self.furnished.append(task.image)
        yield Program(list(task.command), self.env, self.directory)
        self.furnished.remove(task.image)

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": os.defpath}

    @property
    def exit_codes(self) -> list[int | None]:
        return [record.exit_code for record in self.records]

    def number(self, name: str) -> int:
        """What a task wrote to a file, once it did."""
        until(lambda: (self.directory / name).exists() and (self.directory / name).read_text().endswith("\n"))
        return int((self.directory / name).read_text())


def task(script: str, image: str = "i") -> Task:
    return Task(image, ("sh", "-c", script))


def sidecar(script: str, image: str = "i") -> Task:
    return task(script, image)._replace(type=SIDECAR)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def wait_for(name: str) -> str:
    return f"until test -e {name}; do sleep 0.02; done"


def test_a_sidecar_runs_beside_all_tasks_wherever_it_stands(job: Job) -> None:
    failure = job(
        task(f"{wait_for('up')}; test ! -e bye"), task("kill -0 $(cat up)"), sidecar("echo $$ >up; sleep 300")
    )
    assert failure is None
    assert job.exit_codes == [0, 0, 128 + signal.SIGTERM]
    assert not runs(job.number("up"))
    assert job.furnished == []


def test_a_sidecar_has_time_to_end_in_its_own_way(job: Job) -> None:
    job(sidecar("trap 'echo bye >bye; exit 4' TERM; touch up; while :; do sleep 0.05; done"), task(wait_for("up")))
    assert (job.directory / "bye").read_text() == "bye\n"
    assert job.exit_codes == [4, 0]


def test_one_that_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    job = Job(tmp_path, grace=0.3)
    deaf = (
        "trap '' TERM; (setsid sh -c 'echo $$ >child; sleep 300') & sleep 300 & echo $$ >up; while :; do sleep 1; done"
    )
    begun = time.monotonic()
    assert (
        job(sidecar(deaf), sidecar(deaf.replace("up", "up2")), task(f"{wait_for('up2')}; {wait_for('child')}")) is None
    )
    assert time.monotonic() - begun < 10
    assert job.exit_codes == [128 + signal.SIGKILL] * 2 + [0]
    until(lambda: not any(runs(job.number(name)) for name in ("up", "up2", "child")))


def test_a_sidecar_that_ends_early_is_no_failure_and_is_recorded(job: Job) -> None:
    assert job(sidecar("touch gone; exit 9"), task(f"{wait_for('gone')}; sleep 0.1")) is None
    assert job.exit_codes == [9, 0]
    early, late = job.records
    assert early.start_time is not None
    assert early.end_time is not None
    assert late.end_time is not None
    assert early.start_time <= early.end_time <= late.end_time
    assert early.cpu_time > 0
    assert early.max_rss_kb > 0


def test_a_failure_names_the_place_among_all_tasks_and_counts_basic_ones(job: Job) -> None:
    beside = sidecar("sleep 300")
    assert job(beside, task("true"), beside, task("exit 3"), task("true"), beside) == Failure(3, 3, not_run=1)
    assert len(job.records) == 6
    assert job.records[4].start_time is None
    assert job.records[4].document()["imagePullStatus"] is None


def test_without_its_image_no_sidecar_is_started_and_no_task_is_run(job: Job) -> None:
    with pytest.raises(ImageNotFoundError):
        job(task("touch ran"), sidecar("touch ran"), sidecar("true", "missing"))
    assert list(job.directory.iterdir()) == []
    assert job.exit_codes == [None] * 3
    assert job.records[2].image_pull_status == "failed"
    assert job.records[2].end_time is not None


def test_a_sidecar_without_its_runtime_ends_the_job_and_those_already_there(job: Job) -> None:
    absent = Task("i", ("/no/such/program",), type=SIDECAR)
    with pytest.raises(RuntimeUnavailableError, match="/no/such/program"):
        job(sidecar("sleep 300"), absent, task("touch ran"))
    assert job.exit_codes == [128 + signal.SIGTERM, None]
    assert job.furnished == []


def test_the_order_to_stop_ends_sidecars_too(tmp_path: Path) -> None:
    job = Job(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    job.eviction.install()
    try:
        with suppress(Evicted):
            job(sidecar("echo $$ >up; sleep 300"), task(f"{wait_for('up')}; kill -TERM {os.getpid()}; sleep 300"))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert job.eviction.requested
    assert not runs(job.number("up"))
    assert job.furnished == []


def test_the_order_to_stop_takes_away_the_time_to_end(tmp_path: Path) -> None:
    job = Job(tmp_path, grace=300)
    before = signal.getsignal(signal.SIGTERM)
    job.eviction.install()
    deaf = f"trap 'kill -TERM {os.getpid()}' TERM; echo $$ >up; while :; do sleep 0.05; done"
    begun = time.monotonic()
    try:
        with pytest.raises(Evicted):
            job(sidecar(deaf), task(wait_for("up")))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert time.monotonic() - begun < 60
    assert job.exit_codes == [128 + signal.SIGKILL, 0]
    assert not runs(job.number("up"))
