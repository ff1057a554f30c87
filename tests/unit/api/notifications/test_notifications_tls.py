"""Messages and passwords go over TLS where that was asked for, to a server that can be believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.notifications.errors import MailServerUnavailable
from api.notifications.outbox import Outbox
from api.notifications.sender import Sender
from tests.unit.api.notifications.conftest import GOING, Clock, Queue, nothing, settings
from tests.unit.api.notifications.mail_server import (
    MailServer,
    certificate,
    knowing,
    serving,
)

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_messages_go_over_tls_with_a_login(
    outbox: Outbox, queued: Queue, clock: Clock, tmp_path: Path, kind: str
) -> None:
    file, context = certificate(tmp_path)
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    password.chmod(0o600)
    tls = {"tls_context": context, "require_starttls": True} if kind == "starttls" else {"ssl_context": context}
    login = {"authenticator": knowing(b"prominence", b"s3cret"), "auth_required": True}
    with serving(**tls, **login, auth_require_tls=kind == "starttls") as server:
        chosen = {"tls": kind, "ca": file, "user": "prominence", "password": password}
        sender = Sender(outbox, settings(server.port, **chosen), nothing, nothing, clock=clock)
        queued()
        password.write_text("wrong")
        with pytest.raises(MailServerUnavailable, match="535") as refused:
            sender.sweep(GOING)
        assert "wrong" not in str(refused.value)
        password.write_text("s3cret")
        sender.sweep(GOING)
        assert len(server.texts) == 1
        untrusted = Sender(outbox, settings(server.port, **chosen | {"ca": None}), nothing, nothing, clock=clock)
        queued()
        with pytest.raises(MailServerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            untrusted.sweep(GOING)
        assert len(server.texts) == 1


def test_nothing_is_sent_readable_where_tls_was_asked_for(
    outbox: Outbox, server: MailServer, queued: Queue, clock: Clock
) -> None:
    queued()
    sender = Sender(outbox, settings(server.port, tls="starttls"), nothing, nothing, clock=clock)
    with pytest.raises(MailServerUnavailable, match="STARTTLS"):
        sender.sweep(GOING)
    assert server.texts == []


def test_a_password_that_others_can_read_is_not_used(
    outbox: Outbox, queued: Queue, clock: Clock, tmp_path: Path
) -> None:
    file, context = certificate(tmp_path)
    password = tmp_path / "password"
    password.write_text("s3cret")
    password.chmod(0o644)
    with serving(ssl_context=context) as server:
        chosen = settings(server.port, tls="tls", ca=file, user="u", password=password)
        queued()
        with pytest.raises(MailServerUnavailable, match="0600"):
            Sender(outbox, chosen, nothing, nothing, clock=clock).sweep(GOING)
