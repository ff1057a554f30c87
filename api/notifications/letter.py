"""From the facts of a message to the bytes that a mail server is given. Pure, but for the templates in `templates/mail`.

The same message always has the same bytes, and so the same Message-ID: who gets it twice, because it was in doubt whether the
first had arrived, can tell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from api.notifications.content import line
from api.notifications.errors import MessageUnwritable
from api.notifications.outbox import Message
from api.notifications.settings import MailSettings

_TEMPLATES = Path(__file__).parents[2] / "templates" / "mail"
_NAME = "PROMINENCE"
_LONGEST_SUBJECT = 150
_POLICY = SMTP.clone(cte_type="7bit")


def written(message: Message, settings: MailSettings) -> bytes:
    """The message as the mail server is given it. Raises MessageUnwritable."""
    made = EmailMessage(_POLICY)
    try:
        subject, text = rendered(message.kind, json.loads(message.facts), str(settings.url))
        made["From"] = Address(_NAME, addr_spec=settings.sender)
        made["To"] = Address(addr_spec=message.recipient)
        made["Subject"] = subject
        made["Date"] = format_datetime(datetime.fromtimestamp(int(message.created), UTC))
        made["Message-ID"] = message_id(message.submission, settings.sender)
        # Programs that answer mail, such as those of people on holiday, leave this one alone (RFC 3834).
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(text)
        return made.as_bytes()
    except (TemplateError, MessageError, ValueError, KeyError, TypeError) as error:
        raise MessageUnwritable(f"It cannot be written: {error}") from error


def rendered(kind: str, facts: Mapping[str, Any], url: str) -> tuple[str, str]:
    """Subject, which is one line, and text of a message of that kind (the name of its template, whose first line it is)."""
    whole = _environment().get_template(f"{kind}.txt").render(**facts, kind=kind, url=url.rstrip("/"))
    subject, _, text = whole.partition("\n")
    return line(subject)[:_LONGEST_SUBJECT], text.strip() + "\n"


def message_id(submission: str, sender: str) -> str:
    """The Message-ID of the message about a submission: always the same."""
    return f"<{submission}@{sender.rpartition('@')[2]}>"


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=False,  # noqa: S701 - plain text; what users wrote is one line each
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["utc"] = _utc
    return environment
