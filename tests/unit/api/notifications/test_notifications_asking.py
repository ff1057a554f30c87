"""Who may ask to be told of what, and where the address is kept."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from api.documents.job import Job
from api.documents.workflow import Workflow
from api.errors import NotAvailable
from api.notifications.addresses import Addresses, is_address
from api.notifications.asking import Notices
from identity.caller import Caller

_JOB = {"resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "busybox", "cmd": "true"}]}
_JOB_FINISHED = [{"event": "jobFinished", "type": "email"}]
_WORKFLOW_FINISHED = [{"event": "workflowFinished", "type": "email"}]


def job(**more: Any) -> Job:
    return Job.model_validate({**_JOB, **more})


def workflow(inner: dict[str, Any] | None = None, **more: Any) -> Workflow:
    first = {**_JOB, "name": "first"}
    return Workflow.model_validate({"jobs": [first, {**_JOB, "name": "second", **(inner or {})}], **more})


def caller(email: str | None = "alice@example.org") -> Caller:
    return Caller("alice", "https://issuer", "alice", ("vo",), email)


@pytest.fixture
def notices(tmp_path: Path) -> Notices:
    return Notices(Addresses(tmp_path), True)


def refused(notices: Notices, asked: Job | Workflow, by: Caller) -> NotAvailable:
    with pytest.raises(NotAvailable) as refusal:
        notices.check_job(asked, by) if isinstance(asked, Job) else notices.check_workflow(asked, by)
    assert refusal.value.status == 400
    assert refusal.value.message.startswith(f"{refusal.value.field}: ")
    assert refusal.value.message.endswith(".")
    return refusal.value


@pytest.mark.parametrize(
    "asked", [job(notifications=_JOB_FINISHED), workflow(notifications=_WORKFLOW_FINISHED)], ids=["job", "workflow"]
)
def test_who_cannot_be_told_is_refused_with_a_sentence(notices: Notices, asked: Job | Workflow) -> None:
    assert "no e-mail address" in refused(notices, asked, caller(None)).message
    for odd in ('"a b"@example.org', "ü@example.org", "alice", "a@b@c", "a@example.org, b@example.org", "-@-"):
        assert "none that mail can be sent to" in refused(notices, asked, caller(odd)).message
    silent = Notices(notices.addresses, False)
    assert "sends no messages" in refused(silent, asked, caller()).message


def test_who_does_not_ask_needs_no_address(notices: Notices) -> None:
    silent = Notices(notices.addresses, False)
    for asking in (notices, silent):
        asking.check_job(job(), caller(None))
        asking.check_workflow(workflow(), caller(None))


def test_jobs_of_a_workflow_send_no_messages_of_their_own(notices: Notices) -> None:
    asked = workflow({"notifications": _JOB_FINISHED}, notifications=_WORKFLOW_FINISHED)
    refusal = refused(notices, asked, caller())
    assert refusal.field == "jobs[1].notifications"
    assert "workflowFinished" in refusal.message


def test_the_address_is_kept_for_the_service_alone_outside_of_what_the_worker_sees(
    notices: Notices, tmp_path: Path
) -> None:
    notices.keep(job(notifications=_JOB_FINISHED), "a" * 32, caller(), {})
    notices.keep(job(), "b" * 32, caller(), {})
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert file == tmp_path / ".notify" / ("a" * 32)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert notices.addresses.find("a" * 32) == "alice@example.org"
    notices.discard("a" * 32)
    assert notices.addresses.find("a" * 32) is None


def test_what_stays_in_the_queue_is_watched(notices: Notices) -> None:
    left = {"notifications": _JOB_FINISHED, "policies": {"leaveInQueue": True}}
    notices.keep(job(**left), "a" * 32, caller(), {"A": 1})
    assert notices.addresses.left() == ["a" * 32]
    assert notices.addresses.facts("a" * 32) == {"A": 1}
    notices.discard("a" * 32)
    assert notices.addresses.left() == []


@pytest.mark.parametrize("good", ["a@b", "user@localhost", "first.last+tag@sub.example.org", "o'neil_x@e-x.org"])
def test_ordinary_addresses_are_addresses(good: str) -> None:
    assert is_address(good)


@pytest.mark.parametrize(
    "bad", ["", "a", "@b", "a@", ".a@b", "a..b@c", "a@b.", "a b@c", "a@b\n", "<a@b>", "a" * 250 + "@b.org"]
)
def test_others_are_not(bad: str) -> None:
    assert not is_address(bad)
