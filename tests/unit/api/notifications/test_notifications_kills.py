"""Senders that are killed, and a database that goes away, in the middle of a message."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from api.notifications.outbox import Outbox
from api.notifications.sender import Sender
from api.records.schema import open_database
from tests.unit.api.notifications.conftest import GOING, Clock, Queue, counts, job_row, nothing, settings
from tests.unit.api.notifications.mail_server import (
    MailServer,
    first,
    stall,
)
from tests.unit.database.postgres_server import PostgresServer

pytestmark = pytest.mark.timeout(120)


KILLED = """
import sys, threading
from api.notifications.outbox import Outbox
from api.notifications.sender import Sender
from api.records.schema import open_database
from tests.unit.api.notifications.conftest import NOW, nothing, settings

address, port = sys.argv[1], int(sys.argv[2])
Sender(Outbox(open_database(address)), settings(port, timeout=60), nothing, nothing, clock=lambda: NOW).sweep(threading.Event())
"""


def killed_while(waits: threading.Event, address: str, port: int) -> None:
    """Runs a sender as a process and kills it once the server is where it `waits`."""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    process = subprocess.Popen([sys.executable, "-c", KILLED, address, str(port)], env=environ)
    try:
        assert waits.wait(60)
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait(20)


def test_a_sender_killed_after_it_handed_a_message_over_leaves_it_to_be_sent_once_more(
    sender: Sender, server: MailServer, outbox: Outbox, queued: Queue, clock: Clock, address: str
) -> None:
    submission = queued()
    server.at_text = first(stall)
    killed_while(server.handed_over, address, server.port)
    assert counts(outbox) == {"sending": 1}
    assert sender.sweep(GOING) == 0, "until its time is over it is the other sender's"
    clock.pass_(3600)
    sender.sweep(GOING)
    assert counts(outbox) == {"queued": 1}
    clock.pass_(3600)
    sender.sweep(GOING)
    assert counts(outbox) == {"sent": 1}
    assert [message["Message-ID"] for message in server.messages] == [f"<{submission}@example.org>"] * 2


def test_a_sender_killed_before_it_handed_a_message_over_leaves_no_doubt(
    sender: Sender, server: MailServer, outbox: Outbox, queued: Queue, clock: Clock, address: str
) -> None:
    queued()
    asked = threading.Event()

    async def at_recipient(*given: Any) -> str | None:
        asked.set()
        return await stall(*given)

    server.at_recipient = first(at_recipient)
    killed_while(asked, address, server.port)
    assert counts(outbox) == {"queued": 1}
    clock.pass_(3600)
    sender.sweep(GOING)
    assert counts(outbox) == {"sent": 1}
    assert len(server.texts) == 1


def test_a_message_that_was_sent_while_the_database_went_away_is_not_sent_again(
    postgres: PostgresServer, server: MailServer, clock: Clock
) -> None:
    database = open_database(postgres.emptied())
    database.migrate()
    outbox = Outbox(database)
    outbox.add(job_row("a" * 32))

    killed = threading.Event()

    def at_text(*_: Any) -> None:
        postgres.kill()
        killed.set()

    server.at_text = first(at_text)
    stop = threading.Event()
    sender = Sender(outbox, settings(server.port), nothing, nothing, clock=clock)
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    try:
        assert killed.wait(60)
        postgres.start()
        deadline = time.monotonic() + 60
        while counts(outbox) != {"sent": 1}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        postgres.start()
        stop.set()
        thread.join(60)
    assert len(server.texts) == 1
    database.close()
