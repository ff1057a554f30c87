"""Users who asked for it are told by e-mail, once, when their jobs and workflows have ended."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy import service
from deploy.instance import Instance
from tests.pool.conftest import User, job
from tests.pool.disaster import another_api
from tests.unit.api.notifications.mail_server import HOST, MailServer, serving

pytestmark = pytest.mark.timeout(240)

JOB_FINISHED = {"notifications": [{"event": "jobFinished", "type": "email"}]}
WORKFLOW_FINISHED = {"notifications": [{"event": "workflowFinished", "type": "email"}]}


@dataclass(frozen=True)
class Mailing:
    """An API at `url` that takes notifications, and the mail server that they go to."""

    url: str
    server: MailServer

    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.server.messages]

    def wait_for(self, subject: str) -> None:
        deadline = time.monotonic() + 120
        while subject not in self.subjects():
            assert time.monotonic() < deadline, f"no message {subject!r} among {self.subjects()}"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def mailing(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailing]:
    """A second API over the same pool and records, and a second recorder, which sends; the first one queues as well."""
    folder = tmp_path_factory.mktemp("mail")
    with serving() as server:
        mail = {"host": f'"{HOST}"', "port": str(server.port), "tls": '"none"', "sender": '"prominence@example.org"'}
        mail["url"] = f'"{instance.settings.url}"'
        section = "\n".join(f"{key} = {value}" for key, value in mail.items())
        first = instance.home.path / "records.toml"
        records, settings = folder / "records.toml", folder / "service.toml"
        records.write_text(f"{first.read_text()}\n[mail]\n{section}\n")
        settings.write_text(instance.home.service_settings.read_text().replace(str(first), str(records)))
        environ = {"PROMINENCE_SETTINGS": str(settings), "PROMINENCE_RECORDS": str(records)}
        with (
            recording(instance, folder, environ),
            another_api(instance, "api.wsgi:application()", "--threads", "8", **environ) as url,
        ):
            yield Mailing(url, server)


class recording:  # noqa: N801 - a context
    """A recorder of its own."""

    def __init__(self, instance: Instance, folder: Path, environ: dict[str, str]) -> None:
        self._command = [sys.executable, "-m", "api.records", "record"]
        self._environ = service.environment(instance.home) | environ
        self._log = folder / "recorder.log"

    def __enter__(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, env=self._environ, stdout=log, stderr=log)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            assert self._process.wait(20) == 0, self._log.read_text()
        finally:
            self._process.kill()
        print(self._log.read_text())


@pytest.fixture
def alice(user: Callable[..., User], mailing: Mailing) -> User:
    made = user("alice")
    made.url = mailing.url
    return made


def test_a_job_and_a_workflow_send_one_message_each(alice: User, mailing: Mailing, instance: Instance) -> None:
    number = alice.submit("sh -c 'exit 7'", name="seven", **JOB_FINISHED)
    alice.submit("true")
    jobs = [{**job("true"), "name": "a"}, {**job("true"), "name": "b"}]
    sweep = {"type": "repeat", "number": 3, "jobs": ["b"], "name": "three"}
    document = {"name": "few", "jobs": jobs, "factories": [sweep], **WORKFLOW_FINISHED}
    answer = alice.call("POST", "/workflows", json=document)
    assert answer.status_code == 201, answer.text
    workflow = answer.json()["id"]
    mailing.wait_for(f"Job {number} (seven): completed")
    mailing.wait_for(f"Workflow {workflow} (few): completed")
    assert alice.describe(number)["notifications"] == JOB_FINISHED["notifications"]
    assert len(mailing.server.texts) == 2
    assert set(mailing.server.recipients) == {"alice@localhost"}
    by_subject = {str(message["Subject"]): message.get_content() for message in mailing.server.messages}
    assert f"{instance.settings.url}/jobs/{number}" in by_subject[f"Job {number} (seven): completed"]
    assert "4 of 4 done, 0 failed" in by_subject[f"Workflow {workflow} (few): completed"]
    assert list((instance.home.sandboxes / ".notify").iterdir()) == []


def test_what_is_left_in_the_queue_is_told_of_at_its_end_and_not_again(alice: User, mailing: Mailing) -> None:
    left = {"policies": {"leaveInQueue": True}}
    number = alice.submit("true", **left, **JOB_FINISHED)
    document = {"jobs": [{**job("sh -c 'exit 3'"), "name": "a"}], **left, **WORKFLOW_FINISHED}
    workflow = alice.call("POST", "/workflows", json=document).json()["id"]
    ended = {f"/jobs/{number}": f"Job {number}: completed", f"/workflows/{workflow}": f"Workflow {workflow}: failed"}
    for path, subject in ended.items():
        mailing.wait_for(subject)
        assert alice.call("PUT", f"{path}/remove").status_code == 200
    after = alice.submit("true", **JOB_FINISHED)
    mailing.wait_for(f"Job {after}: completed")
    for subject in ended.values():
        assert mailing.subjects().count(subject) == 1


def test_a_server_without_mail_refuses_and_so_is_a_message_for_each_instance(
    user: Callable[..., User], alice: User
) -> None:
    refused = user("alice").call("POST", "/jobs", json=job("true", **JOB_FINISHED))
    assert (refused.status_code, refused.json()["field"]) == (400, "notifications")
    document = {"jobs": [{**job("true"), "name": "a", **JOB_FINISHED}]}
    refused = alice.call("POST", "/workflows", json=document)
    assert (refused.status_code, refused.json()["field"]) == (400, "jobs[0].notifications")


def test_metrics_count_messages(mailing: Mailing, alice: User, instance: Instance) -> None:
    number = alice.submit("true", **JOB_FINISHED)
    mailing.wait_for(f"Job {number}: completed")
    token = (instance.home.keys / "metrics").read_text()
    address = mailing.url.removesuffix("/prominence/v1") + "/metrics"
    deadline = time.monotonic() + 30
    while True:
        text = alice.session.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=10).text
        told = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("prominence_mail_"))
        if float(told["prominence_mail_sent"]) >= 1 and float(told["prominence_mail_queued"]) == 0:
            break
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
    assert float(told["prominence_mail_failed"]) == 0
