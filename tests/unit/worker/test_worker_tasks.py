import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from worker.ended import Ended
from worker.images import Image
from worker.images.errors import ImageNotFoundError
from worker.job import Policies, Task
from worker.processes import Eviction, run
from worker.report import TaskRecord
from worker.tasks import Failure, Ways, run_all

NO_RETRIES = Policies()


def ticking() -> Callable[[], float]:
    """A clock that goes one second further each time it is read."""
    ticks: Iterator[int] = count(100)
    return lambda: float(next(ticks))


def obtain(task: Task) -> Image:
    if task.image == "missing":
        raise ImageNotFoundError(task.image, "nowhere")
    return Image(Path("/"), "abc", cached=task.image == "cached")


def tasks(*commands: str, image: str = "fetched") -> list[Task]:
    return [Task(image, ("sh", "-c", command)) for command in commands]


class Runner:
    """Runs tasks' commands for real in a directory, without containers, and keeps their records."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.records: list[TaskRecord] = []

    def __call__(self, todo: list[Task], policies: Policies = NO_RETRIES) -> Failure | None:
        return run_all(todo, policies, Ways(obtain, self.launch, self.accompany), self.records, ticking())

    def launch(self, task: Task, image: Image) -> Ended:
        return run(task.command, {"PATH": os.defpath}, Eviction(), cwd=self.directory)

    def accompany(self, task: Task, image: Image, record: TaskRecord) -> None:
        raise AssertionError("a basic task is no sidecar")

    @property
    def exit_codes(self) -> list[int | None]:
        return [record.exit_code for record in self.records]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_tasks_run_in_order_and_share_their_directory(runner: Runner) -> None:
    assert runner(tasks("echo 1 > n", "test $(cat n) = 1")) is None
    assert runner.exit_codes == [0, 0]


def test_after_a_failed_task_the_others_do_not_run(runner: Runner) -> None:
    assert runner(tasks("true", "exit 3", "touch ran")) == Failure(1, 3, not_run=1)
    assert runner.exit_codes == [0, 3]
    assert not (runner.directory / "ran").exists()


def test_ignored_failures_do_not_stop_the_tasks_after_them(runner: Runner) -> None:
    assert runner(tasks("exit 3", "exit 4", "true"), Policies(ignore_task_failures=True)) == Failure(0, 3, not_run=0)
    assert runner.exit_codes == [3, 4, 0]


def test_a_failing_task_is_tried_again_until_it_succeeds(runner: Runner) -> None:
    assert runner(tasks("echo x >> n; test $(wc -l < n) -eq 3"), Policies(maximum_task_retries=6)) is None
    assert (runner.records[0].exit_code, runner.records[0].retries) == (0, 2)


def test_a_task_that_goes_on_failing_is_tried_no_more_than_allowed(runner: Runner) -> None:
    assert runner(tasks("echo x >> n; exit 5"), Policies(maximum_task_retries=2)) == Failure(0, 5, not_run=0)
    assert runner.records[0].retries == 2
    assert (runner.directory / "n").read_text().count("x") == 3


def test_durations_are_summed_over_the_attempts(runner: Runner) -> None:
    runner(tasks("exit 1"), Policies(maximum_task_retries=2))
    record = runner.records[0]
    assert record.wall_time == 3
    assert record.cpu_time > 0
    assert record.start_time == 100
    assert record.end_time is not None
    assert record.end_time > record.start_time + record.wall_time


def test_a_fetched_image_has_a_time_and_a_cached_one_has_minus_one(runner: Runner) -> None:
    runner(tasks("true") + tasks("true", image="cached"))
    seen = [(r.image_pull_status, r.image_pull_time, r.image_sha256) for r in runner.records]
    assert seen == [("completed", 1, "abc"), ("cached", -1, "abc")]


def test_a_task_without_its_image_is_recorded_without_an_exit_code(runner: Runner) -> None:
    with pytest.raises(ImageNotFoundError):
        runner(tasks("true") + tasks("true", image="missing") + tasks("true"), Policies(ignore_task_failures=True))
    assert runner.exit_codes == [0, None]
    assert runner.records[1].image_pull_status == "failed"
    assert runner.records[1].end_time is not None
