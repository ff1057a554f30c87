"""Jobs that leave a real queue come into the database, each once, whatever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.jobs import view
from api.jobs.sandbox import Sandbox
from api.records.departed import Departed
from api.records.finished import Finished, FinishedJobs
from api.records.history import History
from api.records.schema import open_database
from api.records.settings import load
from deploy import nodes, service
from deploy.instance import Instance
from pool import attributes
from pool.history_files import HistoryFiles

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def history(instance: Instance) -> Iterator[History]:
    service.start_recorder(instance.home)
    settings = load(instance.home.path / "records.toml")
    database = open_database(settings.database.get_secret_value())
    yield History(Departed(HistoryFiles(settings.departed), settings.sandboxes), FinishedJobs(database))
    database.close()
    service.start_recorder(instance.home)


HISTORY = """
import json, sys
from api.jobs import view
from pool.session import Pool
(ad,) = Pool().history(f"ClusterId == {int(sys.argv[1])}", view.DESCRIBED, 1)
print(json.dumps(ad))
"""


def from_history(instance: Instance, number: int) -> dict[str, Any]:
    """The ad of a job as the schedd's own history has it."""
    command = [sys.executable, "-c", HISTORY, str(number)]
    done = subprocess.run(
        command, env=service.environment(instance.home), capture_output=True, text=True, timeout=60, check=True
    )
    return dict(json.loads(done.stdout))


def recorded(history: History, number: int, seconds: float = 60) -> Finished:
    """The job once it is in the database."""
    deadline = time.monotonic() + seconds
    while (found := history.finished.by_id(number)) is None:
        assert time.monotonic() < deadline, f"job {number} was not recorded"
        time.sleep(0.05)
    return found


def kill_recorder(instance: Instance) -> None:
    pid = service.recorder(instance.home).pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_recorded_job_is_shown_as_it_is_from_the_queues_history(
    user: Callable[..., Any], history: History, instance: Instance
) -> None:
    alice = user('al"ice\\ ☃')
    text = "a\\\"b $(x) ☃\n\t'{}[=]"
    tasks = [{"image": "/images/busybox", "cmd": "true", "env": {"TEXT": text}}]
    resources = {"cpus": 1, "memory": 0.25, "disk": 1}
    document = {"resources": resources, "tasks": tasks, "name": "a b/c", "labels": {"k": "ü_1"}}
    number = alice.call("POST", "/jobs", json=document).json()["id"]
    alice.wait(number)
    kept = recorded(history, number)
    ad = from_history(instance, number)
    report = Sandbox(instance.home.sandboxes / str(ad[attributes.Job.SUBMISSION])).report()
    for detail in (False, True):
        assert view.job(kept.ad, kept.report, detail) == view.job(ad, report, detail)
    shown = view.job(kept.ad, kept.report, True)
    assert (shown["status"], shown["name"], shown["labels"]) == ("completed", "a b/c", {"k": "ü_1"})
    assert shown["tasks"][0]["env"]["TEXT"] == text  # type: ignore[index]


def test_a_job_that_never_ran_is_recorded_too(user: Callable[..., Any], history: History) -> None:
    alice = user()
    nowhere = {"placement": {"requirements": {"sites": ["nowhere"]}}}
    deleted = alice.submit("true", policies=nowhere)
    assert alice.call("DELETE", f"/jobs/{deleted}").status_code == 200
    assert view.job(*recorded(history, deleted), True)["status"] == "deleted"


def test_jobs_that_end_while_the_recorder_is_dead_are_seen_and_recorded_later_once(
    user: Callable[..., Any], history: History, instance: Instance
) -> None:
    alice = user()
    kill_recorder(instance)
    numbers = [alice.submit("true") for _ in range(3)]
    for number in numbers:
        found = seen(history, number)
        assert view.job(*found, True)["status"] == "completed"
        assert history.finished.by_id(number) is None
    assert history.departed.lag(time.time()).pending >= 3
    before = history.finished.count()
    service.start_recorder(instance.home)
    for number in numbers:
        recorded(history, number)
        assert history.departed.find(number) is None
    assert history.finished.count() == before + 3


def seen(history: History, number: int) -> Finished:
    """The job once it has left the queue."""
    deadline = time.monotonic() + 60
    while (found := history.by_id(number)) is None:
        assert time.monotonic() < deadline, f"job {number} did not leave the queue"
        time.sleep(0.05)
    return found


def test_the_schedd_renames_its_files_into_place_and_leaves_no_other(instance: Instance) -> None:
    folder = nodes.departed(instance.home)
    others = [entry.name for entry in folder.iterdir() if not entry.name.startswith("history.")]
    assert others in ([], ["refused"])
    assert list(folder.glob("refused/*")) == []


def test_what_a_killed_schedd_left_behind_does_not_stop_the_queue(
    user: Callable[..., Any], history: History, instance: Instance
) -> None:
    alice = user()
    number = alice.submit("true")
    leftover = nodes.departed(instance.home) / f".history.{number}.0.tmp"
    leftover.touch()
    recorded(history, number, seconds=120)
    assert not leftover.exists()
    log = (instance.home.nodes / "head/pool/log/SchedLog").read_text(errors="replace")
    assert f"opening per-job history file for job {number}.0" in log
