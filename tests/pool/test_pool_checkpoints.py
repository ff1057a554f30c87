"""Jobs that are moved while they run go on from their checkpoints, on a real worker and with the instance's own store."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.instance import Instance
from tests.pool.conftest import User
from tests.pool.vacating import vacate
from tests.pool.workers import pool_of, worker_of

pytestmark = pytest.mark.timeout(240)

# Counts in a file, and tells from where; what it counts last it writes when it is asked to end.
COUNTING = """sh -c '
n=$(cat state/count 2>/dev/null || echo 0); echo "from $n"; mkdir -p state
note() {{ echo $1 >state/new; mv state/new state/count; }}
told() {{ note $((n + 1000)); exit 0; }}
trap told TERM
while [ $n -lt {until} ]; do n=$((n + 1)); note $n; echo $n; sleep 0.2; done'"""


def until(somebody: User, number: int, condition: Callable[[dict[str, Any], str], bool], seconds: float = 90) -> None:
    """Waits until the described job and its output so far meet a condition."""
    deadline = time.monotonic() + seconds
    while True:
        shown = somebody.describe(number)
        output = somebody.call("GET", f"/jobs/{number}/stdout")
        text = output.text if output.status_code == 200 else ""
        if condition(shown, text):
            return
        assert shown["status"] in ("idle", "running"), shown
        assert time.monotonic() < deadline, (shown, text)
        time.sleep(0.2)


def checkpoints(instance: Instance) -> list[Path]:
    return [path for path in instance.home.objects.rglob("*") if path.is_file() and "checkpoint" in path.name]


def test_a_job_that_is_moved_goes_on_from_what_its_task_wrote_when_it_was_told(
    user: Callable[..., User], instance: Instance
) -> None:
    alice = user()
    number = alice.submit(COUNTING.format(until=1100), checkpoint={"files": ["state"], "interval": 60})
    until(alice, number, lambda _shown, text: "\n5\n" in text)
    vacate(instance, number, gracefully=True)
    until(alice, number, lambda _shown, text: bool(re.match(r"from 10[01]\d\n", text)))
    assert len(checkpoints(instance)) == 1
    execution = alice.describe(number)["execution"]
    assert execution["checkpoint"]["restored"] is True
    shown = alice.wait(number)
    assert (shown["status"], shown["execution"]["tasks"][0]["exitCode"]) == ("completed", 0), shown
    assert alice.stdout(number).splitlines()[-1] == "1100"
    events = [event["event"] for event in alice.call("GET", f"/jobs/{number}/events").json()]
    assert events.index("interrupted") < events.index("restarted") < events.index("checkpointRestored")
    gone = time.monotonic() + 30
    while checkpoints(instance):
        assert time.monotonic() < gone, "the checkpoint of a job that has ended is still there"
        time.sleep(0.1)


def test_a_job_that_loses_its_worker_goes_on_from_the_last_checkpoint(
    user: Callable[..., User], instance: Instance
) -> None:
    alice = user()
    number = alice.submit(COUNTING.format(until=2000), checkpoint={"files": ["state/count", "no*thing"], "interval": 1})
    until(alice, number, lambda shown, _text: shown.get("execution", {}).get("checkpoint", {}).get("saved", 0) > 0)
    assert "checkpointSaved" in [event["event"] for event in alice.call("GET", f"/jobs/{number}/events").json()]
    vacate(instance, number)
    until(alice, number, lambda _shown, text: bool(re.match(r"from [1-9]", text)))
    assert alice.call("DELETE", f"/jobs/{number}").status_code == 200
    alice.wait(number, "deleted")


def test_a_job_that_is_deleted_ends_at_once(user: Callable[..., User], instance: Instance) -> None:
    alice = user()
    number = alice.submit("sh -c 'trap true TERM; while true; do sleep 1; done'", checkpoint={"files": ["x"]})
    alice.wait(number, "running")
    until(alice, number, lambda shown, _text: bool(shown.get("execution", {}).get("tasks")))
    alice.call("DELETE", f"/jobs/{number}")
    alice.wait(number, "deleted")
    began = time.monotonic()
    scratch = pool_of(worker_of(instance, alice, number)) / "execute"
    while list(scratch.glob("dir_*")):
        assert time.monotonic() - began < 20, "its scratch directory is still there"
        time.sleep(0.1)
