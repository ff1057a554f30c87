"""Jobs and workflows that are recorded: one message each for those who asked, in the same transaction, and no second one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.notifications.addresses import Addresses
from api.notifications.left import LeftInQueue
from api.notifications.outbox import Message, Outbox
from api.records.departed import Departed
from api.records.finished import FinishedJobs
from api.records.recorder import Recorder
from tests.unit.api.notifications.conftest import NOW, counts
from tests.unit.api.records.finished_ads import EPOCH, finished_ad, leave

pytestmark = pytest.mark.timeout(120)

LOGS = Path(__file__).parents[2] / "pool_logs"
_OUTLINE = json.dumps({"name": "a sweep"})


@pytest.fixture
def recorder(departed: Departed, finished: FinishedJobs) -> Recorder:
    return Recorder(departed, finished, clock=lambda: NOW)


def waiting(outbox: Outbox) -> list[Message]:
    return outbox.due(NOW, 100)


def asked(departed: Departed, **changes: Any) -> dict[str, Any]:
    """A job that has left the queue, whose user wants to be told."""
    ad = finished_ad(**changes)
    departed.addresses.keep(ad["ProminenceSubmission"], "alice@example.org")
    leave(departed.files.folder, ad)
    return ad


def test_a_finished_job_has_one_message_however_often_it_is_recorded(
    recorder: Recorder, departed: Departed, outbox: Outbox
) -> None:
    ad = asked(departed, JobStatus=4, ExitCode=1)
    leave(departed.files.folder, finished_ad())
    sandbox = departed.sandboxes / ad["ProminenceSubmission"]
    sandbox.mkdir()
    report = {"nodes": [], "reason": {"code": "taskFailed", "message": "The task exited\nwith code 7."}}
    (sandbox / "report.json").write_text(json.dumps(report))
    for _ in range(2):
        recorder.sweep()
        leave(departed.files.folder, ad)
    (message,) = waiting(outbox)
    assert (message.submission, message.recipient) == (ad["ProminenceSubmission"], "alice@example.org")
    assert (message.kind, message.created) == ("job", NOW)
    facts = json.loads(message.facts)
    assert (facts["id"], facts["status"], facts["reason"]) == (
        ad["ClusterId"],
        "completed",
        "The task exited with code 7.",
    )
    assert facts["events"]["createTime"] == EPOCH
    assert departed.addresses.find(message.submission) is None


def test_a_job_that_is_recorded_again_long_after_its_message_was_forgotten_has_no_other(
    recorder: Recorder, departed: Departed, outbox: Outbox
) -> None:
    ad = asked(departed)
    recorder.sweep()
    (message,) = waiting(outbox)
    outbox.fail(message, NOW, "")
    assert outbox.forget(NOW + 1) == 1
    leave(departed.files.folder, ad)
    assert recorder.sweep() == 1
    assert counts(outbox) == {}


def test_a_finished_workflow_says_how_many_jobs_ended_well(
    recorder: Recorder, departed: Departed, outbox: Outbox
) -> None:
    counted = {"DAG_NodesTotal": 3, "DAG_NodesDone": 1, "DAG_NodesFailed": 2, "DAG_NodesQueued": 0}
    asked(departed, ProminenceInstances=3, ProminenceJob=_OUTLINE, ExitCode=1, **counted)
    recorder.sweep()
    (message,) = waiting(outbox)
    facts = json.loads(message.facts)
    assert (message.kind, facts["name"], facts["status"]) == ("workflow", "a sweep", "failed")
    assert facts["progress"] == {"total": 3, "done": 1, "failed": 2, "queued": 0, "waiting": 0}


def test_a_job_that_cannot_be_stored_has_no_message(recorder: Recorder, departed: Departed, outbox: Outbox) -> None:
    asked(departed, QDate="yesterday")
    recorder.sweep()
    assert waiting(outbox) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from api.notifications.addresses import Addresses
from api.records.schema import open_database
from api.records.departed import Departed
from api.records.finished import FinishedJobs
from api.records.recorder import Recorder
from pool.history_files import HistoryFiles

Addresses.discard = lambda self, submission: os.kill(os.getpid(), signal.SIGKILL)
address, folder = sys.argv[1], Path(sys.argv[2])
Recorder(Departed(HistoryFiles(folder / "departed"), folder / "sandboxes"), FinishedJobs(open_database(address))).sweep()
"""


def test_a_recorder_killed_after_its_transaction_queues_no_second_message(
    recorder: Recorder, departed: Departed, outbox: Outbox, address: str, tmp_path: Path
) -> None:
    asked(departed)
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run([sys.executable, "-c", KILLED, address, str(tmp_path)], env=environ, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert counts(outbox) == {"queued": 1}
    recorder.sweep()
    assert counts(outbox) == {"queued": 1}
    assert list((departed.sandboxes / ".notify").iterdir()) == []


def left(departed: Departed, ad: dict[str, Any], log: str) -> str:
    """A job that is to stay in the queue, with that event log so far."""
    submission = str(ad["ProminenceSubmission"])
    names = ("ProminenceUser", "ProminenceIssuer", "ProminenceSubmission", "ProminenceJob", "ProminenceInstances")
    departed.addresses.keep(submission, "alice@example.org", {name: ad[name] for name in names if name in ad})
    folder = departed.sandboxes / submission
    folder.mkdir(exist_ok=True)
    (folder / "events.log").write_text(log)
    return submission


@pytest.mark.parametrize("instances", [None, 2], ids=["a job", "a workflow"])
def test_what_is_left_in_the_queue_is_told_of_when_it_ends_and_not_again_when_it_is_taken_out(
    recorder: Recorder, departed: Departed, outbox: Outbox, instances: int | None
) -> None:
    workflow = {"ProminenceInstances": instances, "ProminenceJob": _OUTLINE} if instances else {}
    ad = finished_ad(**workflow)
    whole = (LOGS / "ok.log").read_text()
    watch = LeftInQueue(departed, outbox, lambda: NOW)
    submission = left(departed, ad, whole[: whole.index("...") + 4])
    watch.collect()
    assert waiting(outbox) == []
    left(departed, ad, whole)
    for _ in range(2):
        watch.collect()
    (message,) = waiting(outbox)
    facts = json.loads(message.facts)
    assert (message.submission, facts["status"]) == (submission, "completed")
    assert message.kind == ("workflow" if instances else "job")
    leave(departed.files.folder, ad)
    recorder.sweep()
    assert len(waiting(outbox)) == 1


def test_what_ends_in_another_way_while_it_would_be_left_is_told_of_by_the_recorder(
    recorder: Recorder, departed: Departed, outbox: Outbox
) -> None:
    ad = finished_ad(JobStatus=3, RemoveReason="by the user", EnteredCurrentStatus=EPOCH + 1)
    left(departed, ad, (LOGS / "removed.log").read_text())
    LeftInQueue(departed, outbox, lambda: NOW).collect()
    assert waiting(outbox) == []
    leave(departed.files.folder, ad)
    recorder.sweep()
    assert len(waiting(outbox)) == 1
    assert departed.addresses.left() == []


def test_addresses_of_submissions_that_are_gone_are_forgotten(departed: Departed) -> None:
    addresses = Addresses(departed.sandboxes)
    (departed.sandboxes / "a").mkdir()
    for submission in ("a", "b"):
        addresses.keep(submission, "alice@example.org", {})
    addresses.tidy()
    assert addresses.find("a") == "alice@example.org"
    assert (addresses.find("b"), addresses.left()) == (None, ["a"])


def test_half_an_address_is_none(departed: Departed) -> None:
    for content in ("", "alice@", "alice@example.org\nBcc: x@y", "x" * 300, "ü@example.org"):
        departed.addresses.keep("a", content)
        assert departed.addresses.find("a") is None
