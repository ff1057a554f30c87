"""The text of messages: whatever names and reasons hold, it is one letter to one person with the headers that were meant."""

from __future__ import annotations

import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.notifications import content, letter
from api.notifications.errors import MessageUnwritable
from api.notifications.outbox import Message
from tests.unit.api.notifications.conftest import NOW, settings

HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
]


def message(**changes: Any) -> Message:
    shown = {"id": 7, "name": "", "status": "failed", "events": {}, **changes}
    row = content.row(shown, "ab" * 16, "alice@example.org", NOW)
    return Message(**{name: row[name] for name in Message.__dataclass_fields__})


def read(text: bytes) -> EmailMessage:
    return message_from_bytes(text, policy=policy.default)


@given(st.text(max_size=300), st.text(max_size=2000))
def test_nothing_that_a_user_or_a_worker_wrote_becomes_a_header(name: str, reason: str) -> None:
    text = letter.written(message(name=name, statusReason=reason), settings(25))
    assert text.isascii()
    found = read(text)
    assert found.keys() == HEADERS
    assert found["To"] == "alice@example.org"
    assert "\n" not in found["Subject"]


@pytest.mark.parametrize(
    "bad", ["x\r\nBcc: eve@example.org", "x\n\nBcc: eve@example.org", "x\u2028Bcc: y", "x\0\x1b[1m"]
)
def test_a_name_with_line_ends_stays_in_its_line(bad: str) -> None:
    found = read(letter.written(message(name=bad, statusReason=bad), settings(25)))
    assert found["Bcc"] is None
    assert found["Subject"].startswith("Job 7 (x")
    assert all(line.isprintable() for line in found.get_content().splitlines())


def test_the_facts_in_the_database_are_not_trusted_to_be_lines() -> None:
    whole = message()
    facts = {**json.loads(whole.facts), "name": "x\r\nBcc: eve@example.org"}
    changed = Message(**{**vars(whole), "facts": json.dumps(facts)})
    assert read(letter.written(changed, settings(25)))["Bcc"] is None


def test_the_same_message_is_always_the_same_bytes() -> None:
    once, again = (letter.written(message(name="☃"), settings(25)) for _ in range(2))
    assert once == again


def test_a_workflow_is_told_of_with_its_counts_where_they_are_known() -> None:
    progress = {"total": 10, "done": 7, "failed": 3, "queued": 0, "waiting": 0}
    counted = read(letter.written(message(progress=progress, name="sweep"), settings(25)))
    assert counted["Subject"] == "Workflow 7 (sweep): failed"
    assert "7 of 10 done, 3 failed" in counted.get_content()
    assert "/prominence/v1/workflows/7" in counted.get_content()
    assert "Jobs:" not in read(letter.written(message(progress=None), settings(25))).get_content()


def test_long_texts_are_cut() -> None:
    text = letter.written(message(name="n" * 5000, statusReason="r" * 10**6), settings(25))
    assert len(text) < 8000
    assert len(read(text)["Subject"]) <= 150


@pytest.mark.parametrize("facts", ["", "[]", "{}", '{"id": 1}'])
def test_what_cannot_be_written_is_said_to_be_so(facts: str) -> None:
    with pytest.raises(MessageUnwritable):
        letter.written(Message(**{**vars(message()), "facts": facts}), settings(25))
