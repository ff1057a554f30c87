"""The sender and a real mail server: each message is sent once, and others do not suffer from one."""

from __future__ import annotations

import logging
import threading

import pytest

from api.notifications.outbox import Outbox, State
from api.notifications.sender import KEPT, Sender
from tests.unit.api.notifications.conftest import GOING, Clock, Queue, counts
from tests.unit.api.notifications.mail_server import (
    MailServer,
)

pytestmark = pytest.mark.timeout(120)


def test_a_message_is_sent_once_and_says_what_it_is_about(
    sender: Sender, server: MailServer, outbox: Outbox, queued: Queue
) -> None:
    submission = queued(recipient="bob@example.org", name="a/b c", statusReason="The task exited with code 7.")
    assert sender.sweep(GOING) == 1
    assert sender.sweep(GOING) == 0
    (message,) = server.messages
    assert server.recipients == ["bob@example.org"]
    assert message["To"] == "bob@example.org"
    assert message["From"] == "PROMINENCE <prominence@example.org>"
    assert message["Message-ID"] == f"<{submission}@example.org>"
    assert message["Subject"] == "Job 42 (a/b c): completed"
    text = message.get_content()
    assert "The task exited with code 7." in text
    assert "https://jobs.example.org/prominence/v1/jobs/42" in text
    assert counts(outbox) == {"sent": 1}


def test_many_are_sent_over_one_connection(sender: Sender, server: MailServer, outbox: Outbox, queued: Queue) -> None:
    for _ in range(30):
        queued()
    assert sender.sweep(GOING) == 30
    assert len({message["Message-ID"] for message in server.messages}) == len(server.messages) == 30
    assert counts(outbox) == {"sent": 30}


def test_several_senders_send_each_message_once(
    sender: Sender, server: MailServer, outbox: Outbox, queued: Queue
) -> None:
    for _ in range(40):
        queued()

    def sweep() -> None:
        while sender.sweep(GOING):
            pass

    threads = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ids = [message["Message-ID"] for message in server.messages]
    assert len(ids) == len(set(ids)) == 40
    assert counts(outbox) == {"sent": 40}


def test_a_sender_that_runs_ends_within_seconds_when_it_is_told_to(
    sender: Sender, server: MailServer, outbox: Outbox, queued: Queue
) -> None:
    queued()
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    assert server.handed_over.wait(60)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert counts(outbox) == {"sent": 1}


def test_a_message_that_cannot_be_written_is_given_up_and_the_others_are_sent(
    sender: Sender, server: MailServer, outbox: Outbox, queued: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    broken = queued(events={"createTime": "yesterday"})
    queued()
    with caplog.at_level(logging.ERROR):
        sender.sweep(GOING)
    assert counts(outbox) == {"failed": 1, "sent": 1}
    assert broken in caplog.text


def test_messages_are_kept_for_thirty_days_after_their_end(
    sender: Sender, outbox: Outbox, queued: Queue, clock: Clock
) -> None:
    queued()
    sender.sweep(GOING)
    clock.pass_(KEPT - 1)
    queued()
    sender.forget(GOING)
    assert counts(outbox) == {"sent": 1, "queued": 1}
    clock.pass_(2)
    sender.forget(GOING)
    assert counts(outbox) == {"queued": 1}


def test_states_are_those_of_the_table(outbox: Outbox) -> None:
    assert {str(state) for state in outbox.counts()} == {"queued", "sending", "sent", "failed"} == set(State)
