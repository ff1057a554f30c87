"""What the tests of messages share: each database, a mail server, and a sender between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.notifications import content
from api.notifications.outbox import Outbox
from api.notifications.sender import Sender
from api.notifications.settings import MailSettings
from database.transactions import Database
from tests.unit.api.notifications.mail_server import HOST, MailServer, serving
from tests.unit.api.records.conftest import database, departed, finished

__all__ = ["database", "departed", "finished"]

NOW = 1_800_000_000.0


Queue = Callable[..., str]
GOING = threading.Event()
"""Never set."""


def counts(outbox: Outbox) -> dict[str, int]:
    """How many messages are in each state, where there are any."""
    return {str(state): count for state, count in outbox.counts().items() if count}


class Clock:
    """Time as a test wants it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with serving() as running:
        yield running


def settings(port: int, **changes: Any) -> MailSettings:
    """Settings for a server of the tests, which is waited for 2 seconds at most."""
    values = {"host": HOST, "port": port, "tls": "none", "timeout": 2, "sender": "prominence@example.org"}
    return MailSettings.model_validate({**values, "url": "https://jobs.example.org/prominence/v1", **changes})


def job_row(submission: str, recipient: str = "alice@example.org", **changes: Any) -> dict[str, Any]:
    """The row of a message about a job that has ended."""
    shown = {"id": 42, "name": "a job", "status": "completed", "events": {"createTime": 1, "endTime": 2}, **changes}
    return content.row(shown, submission, recipient, NOW)


def nothing() -> None:
    """There is nothing else to do."""


@pytest.fixture
def sender(outbox: Outbox, server: MailServer, clock: Clock) -> Sender:
    return Sender(outbox, settings(server.port), nothing, nothing, clock=clock, spread=lambda: 1.0)


@pytest.fixture
def impatient(outbox: Outbox, server: MailServer, clock: Clock) -> Sender:
    """A sender that does not wait long for a silent server."""
    return Sender(outbox, settings(server.port, timeout=0.7), nothing, nothing, clock=clock, spread=lambda: 1.0)


@pytest.fixture
def queued(outbox: Outbox) -> Callable[..., str]:
    """Queues a message about a job and gives its submission."""
    numbers = iter(range(10_000))

    def queue(**changes: Any) -> str:
        submission = f"{next(numbers):032x}"
        outbox.add(job_row(submission, **changes))
        return submission

    return queue
