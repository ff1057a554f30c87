"""Runs a job's tasks one after the other, sidecars beside them: which run, how often, and what is recorded of each."""

from __future__ import annotations

from typing import Callable, List, NamedTuple, Optional, Sequence

from worker.ended import Ended
from worker.errors import MemoryExceededError
from worker.images import Image
from worker.images.errors import ImageError
from worker.job import SIDECAR, Policies, Task
from worker.report import TaskRecord

Clock = Callable[[], float]
Obtain = Callable[[Task], Image]
Launch = Callable[[Task, Image], Ended]
Accompany = Callable[[Task, Image, TaskRecord], None]


class Failure(NamedTuple):
    """The first task that failed: ``task`` is its place from 0, its exit code, and how many tasks were never run."""

    task: int
    exit_code: int
    not_run: int


class Ways(NamedTuple):
    """How images are had, tasks run to their end, and sidecars started, which end on their own or with the job."""

    obtain: Obtain
    launch: Launch
    accompany: Accompany


def run_all(
    tasks: Sequence[Task], policies: Policies, ways: Ways, records: List[TaskRecord], now: Clock
) -> Optional[Failure]:
    """Start the sidecars, then run the tasks in order; the first that fails, if any, also ends the run unless failures are
    to be ignored.

    ``records`` gets one entry for each task in the tasks' order, up to the last that was begun, and is true at any moment,
    also when an error ends this early. ``now`` gives epoch seconds. Raises ImageError, StagingError,
    RuntimeUnavailableError.
    """
    _start_sidecars(tasks, ways, records, now)
    basic = [index for index, task in enumerate(tasks) if task.type != SIDECAR]
    first: Optional[Failure] = None
    for place, index in enumerate(basic):
        record = _begun(records, index, now)
        try:
            exit_code = _run(tasks[index], policies.maximum_task_retries, ways, record, now)
        finally:
            record.end_time = now()
        if exit_code == 0:
            continue
        stops = not policies.ignore_task_failures
        first = first or Failure(index, exit_code, len(basic) - place - 1 if stops else 0)
        if stops:
            break
    return first


def _begun(records: List[TaskRecord], index: int, now: Clock) -> TaskRecord:
    """The record of a task that begins now, at its place."""
    while len(records) <= index:
        records.append(TaskRecord())
    records[index].start_time = now()
    return records[index]


def _start_sidecars(tasks: Sequence[Task], ways: Ways, records: List[TaskRecord], now: Clock) -> None:
    """Fetch the images of all sidecars, then start them all."""
    ready = []
    for index, task in enumerate(tasks):
        if task.type == SIDECAR:
            record = _begun(records, index, now)
            try:
                ready.append((task, _image(task, ways.obtain, record, now), record))
            except BaseException:
                record.end_time = now()
                raise
    for task, image, record in ready:
        ways.accompany(task, image, record)


def _run(task: Task, retries: int, ways: Ways, record: TaskRecord, now: Clock) -> int:
    image = _image(task, ways.obtain, record, now)
    exit_code = _attempt(task, image, ways.launch, record, now)
    while exit_code != 0 and record.retries < retries:
        record.retries += 1
        exit_code = _attempt(task, image, ways.launch, record, now)
    return exit_code


def _image(task: Task, obtain: Obtain, record: TaskRecord, now: Clock) -> Image:
    begun = now()
    try:
        image = obtain(task)
    except ImageError:
        record.image_pull_time = now() - begun
        raise
    record.image_sha256 = image.sha256
    record.image_pull_status = "cached" if image.cached else "completed"
    record.image_pull_time = -1 if image.cached else now() - begun
    return image


def _attempt(task: Task, image: Image, launch: Launch, record: TaskRecord, now: Clock) -> int:
    begun = now()
    try:
        ended = launch(task, image)
    except MemoryExceededError as error:
        if error.ended is not None:
            record.note(error.ended)
        raise
    finally:
        record.wall_time += now() - begun
    record.note(ended)
    return ended.exit_code
