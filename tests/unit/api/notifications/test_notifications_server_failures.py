"""Mail servers that refuse, are away, stall and hang up: nothing is lost, and nothing is sent a third time."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from api.notifications.errors import MailServerUnavailable
from api.notifications.outbox import Outbox
from api.notifications.sender import KEPT, PATIENCE, Sender
from tests.unit.api.notifications.conftest import GOING, Clock, Queue, counts, nothing, settings
from tests.unit.api.notifications.mail_server import (
    HOST,
    MailServer,
    babble,
    first,
    hang_up,
    saying,
    stall,
)

pytestmark = pytest.mark.timeout(120)


def test_what_the_server_does_not_take_now_is_sent_later(
    sender: Sender, server: MailServer, outbox: Outbox, queued: Queue, clock: Clock
) -> None:
    queued()
    for at in ("at_recipient", "at_text"):
        setattr(server, at, first(saying("451 4.7.1 come back later")))
        sender.sweep(GOING)
        assert counts(outbox) == {"queued": 1}
        assert sender.sweep(GOING) == 0
        clock.pass_(3600)
    server.texts.clear()
    sender.sweep(GOING)
    assert len(server.texts) == 1
    assert counts(outbox) == {"sent": 1}


def test_each_try_waits_longer_but_never_more_than_an_hour(
    sender: Sender, server: MailServer, outbox: Outbox, queued: Queue, clock: Clock
) -> None:
    queued()
    server.at_recipient = saying("450 busy")
    waits = []
    for _ in range(9):
        sender.sweep(GOING)
        due = outbox.due(clock() + 10**6, 1)[0].due
        waits.append(due - clock())
        clock.pass_(waits[-1])
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@pytest.mark.parametrize("at", ["at_recipient", "at_text"])
def test_what_the_server_refuses_for_good_is_given_up_at_once_and_logged_without_the_address(
    sender: Sender,
    server: MailServer,
    outbox: Outbox,
    queued: Queue,
    clock: Clock,
    at: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    submission = queued()
    other = queued()
    setattr(server, at, first(saying("550 <alice@example.org>: no such user here")))
    sender.sweep(GOING)
    assert counts(outbox) == {"failed": 1, "sent": 1}
    clock.pass_(KEPT / 2)
    assert sender.sweep(GOING) == 0
    assert submission in caplog.text
    assert "no such user here" in caplog.text
    assert "alice@" not in caplog.text
    assert server.messages[-1]["Message-ID"] == f"<{other}@example.org>"


@pytest.mark.parametrize("answer", ["451 not now", "553 this sender is not allowed"])
def test_a_server_that_refuses_the_sender_costs_no_message(
    sender: Sender, server: MailServer, outbox: Outbox, queued: Queue, clock: Clock, answer: str
) -> None:
    queued()
    server.at_sender = first(saying(answer))
    with pytest.raises(MailServerUnavailable, match="refuses the sender"):
        sender.sweep(GOING)
    assert counts(outbox) == {"queued": 1}
    clock.pass_(3600)
    sender.sweep(GOING)
    assert counts(outbox) == {"sent": 1}


def test_while_no_server_listens_all_wait_and_after_two_days_they_are_given_up(
    outbox: Outbox, queued: Queue, clock: Clock
) -> None:
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    sender = Sender(outbox, settings(port), nothing, nothing, clock=clock)
    queued()
    with pytest.raises(MailServerUnavailable):
        sender.sweep(GOING)
    assert outbox.due(clock(), 1)[0].attempts == 0
    clock.pass_(PATIENCE + 1)
    sender.sweep(GOING)
    assert counts(outbox) == {"failed": 1}


@pytest.mark.parametrize("behaviour", [stall, babble, hang_up], ids=["stalls", "babbles", "hangs up"])
def test_a_server_that_never_answers_a_recipient_is_left_and_nothing_is_in_doubt(
    impatient: Sender, server: MailServer, outbox: Outbox, queued: Queue, clock: Clock, behaviour: Any
) -> None:
    queued()
    server.at_recipient = first(behaviour)
    began = time.monotonic()
    with pytest.raises(MailServerUnavailable):
        impatient.sweep(GOING)
    assert time.monotonic() - began < 30
    assert outbox.due(clock() + 100, 1)[0].doubts == 0
    clock.pass_(100)
    impatient.sweep(GOING)
    assert counts(outbox) == {"sent": 1}


@pytest.mark.parametrize("behaviour", [stall, babble, hang_up], ids=["stalls", "babbles", "hangs up"])
def test_what_was_handed_over_without_an_answer_is_sent_once_more_and_never_a_third_time(
    impatient: Sender, server: MailServer, outbox: Outbox, queued: Queue, clock: Clock, behaviour: Any
) -> None:
    submission = queued()
    server.at_text = behaviour
    impatient.sweep(GOING)
    assert counts(outbox) == {"queued": 1}
    clock.pass_(3600)
    impatient.sweep(GOING)
    assert counts(outbox) == {"failed": 1}
    clock.pass_(3600)
    assert impatient.sweep(GOING) == 0
    assert [message["Message-ID"] for message in server.messages] == [f"<{submission}@example.org>"] * 2
    assert server.texts[0] == server.texts[1]


def test_what_was_in_doubt_and_arrives_the_second_time_is_sent(
    sender: Sender, server: MailServer, outbox: Outbox, queued: Queue, clock: Clock
) -> None:
    queued()
    server.at_text = first(hang_up)
    sender.sweep(GOING)
    clock.pass_(3600)
    sender.sweep(GOING)
    assert counts(outbox) == {"sent": 1}
