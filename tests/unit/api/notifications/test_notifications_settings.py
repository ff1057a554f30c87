"""Settings of mail: those that would send a password readable, or cannot be meant, are refused; and what is measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from api.notifications.outbox import Outbox
from api.notifications.readings import readings
from api.records.errors import SettingsUnusable
from api.records.schema import open_database
from api.records.settings import load
from tests.unit.api.notifications.conftest import NOW, settings

RECORDS = 'database = "sqlite:////r"\ndeparted = "/d"\nsandboxes = "/s"\n'
MAIL = '[mail]\nhost = "mail.example.org"\nsender = "p@example.org"\nurl = "https://jobs.example.org/prominence/v1"\n'


def test_mail_is_a_section_of_the_records_settings(tmp_path: Path) -> None:
    file = tmp_path / "records.toml"
    file.write_text(RECORDS)
    assert load(file).mail is None
    file.write_text(RECORDS + MAIL)
    mail = load(file).mail
    assert mail is not None
    assert (mail.host, mail.port, mail.tls) == ("mail.example.org", 587, "starttls")
    file.write_text(RECORDS + MAIL + 'smtp = "x"\n')
    with pytest.raises(SettingsUnusable, match=r"mail\.smtp"):
        load(file)


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "u"},
        {"password": "/p"},
        {"user": "u", "password": "/p", "tls": "none"},
        {"sender": "PROMINENCE <p@example.org>"},
        {"sender": "p@example.org\r\nBcc: x@y"},
        {"host": ""},
        {"port": 0},
        {"tls": "ssl"},
        {"url": "jobs.example.org"},
        {"timeout": 0},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**{"port": 25, **changes})


def test_prometheus_sees_what_waits_what_was_sent_and_what_was_given_up(
    outbox: Outbox, queued: Callable[..., str]
) -> None:
    for _ in range(3):
        queued()
    one, two, three = outbox.due(NOW, 10)
    outbox.sent(outbox.take(one, NOW + 10), NOW)
    outbox.fail(outbox.take(two, NOW + 10), NOW, "")
    outbox.hand_over(outbox.take(three, NOW + 10))
    seen = {name: look() for name, _, look in readings(outbox, lambda: NOW + 30)}
    assert seen == {
        "prominence_mail_queued": 1,
        "prominence_mail_oldest_seconds": 30,
        "prominence_mail_sent": 1,
        "prominence_mail_failed": 1,
    }


def test_while_the_database_is_away_there_is_no_number_and_no_error(tmp_path: Path) -> None:
    away = Outbox(open_database(f"sqlite:///{tmp_path}/absent/records.sqlite"))
    assert all(math.isnan(look()) for _, _, look in readings(away, lambda: NOW))
