"""A mail server for the tests: a real one on loopback, which can be told to refuse, to stall, and to hang up."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
Behaviour = Callable[[SMTP, Envelope], Any]
"""What a server does in a moment: an answer, None for the usual one, or a coroutine that gives either."""


@dataclass
class MailServer:
    """What arrived, and how the server behaves: `at_sender`, `at_recipient`, and `at_text` after the text has come."""

    port: int = 0
    texts: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    at_sender: Behaviour | None = None
    at_recipient: Behaviour | None = None
    at_text: Behaviour | None = None
    handed_over: threading.Event = field(default_factory=threading.Event)
    """Set when the text of a message has come."""

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(text, policy=policy.default) for text in self.texts]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await _behave(self.at_sender, server, envelope)
        if answer is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = await _behave(self.at_recipient, server, envelope)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.texts.append(content)
        self.recipients += envelope.rcpt_tos
        self.handed_over.set()
        return await _behave(self.at_text, server, envelope) or "250 Accepted"


async def _behave(behaviour: Behaviour | None, server: SMTP, envelope: Envelope) -> str | None:
    told = behaviour(server, envelope) if behaviour is not None else None
    answer = await told if asyncio.iscoroutine(told) else told
    assert answer is None or isinstance(answer, str)
    return answer


def saying(answer: str) -> Behaviour:
    """Always this answer."""
    return lambda _server, _envelope: answer


def first(behaviour: Behaviour, times: int = 1) -> Behaviour:
    """That behaviour so many times, then the usual one."""
    left = iter(range(times))
    return lambda server, envelope: behaviour(server, envelope) if next(left, None) is not None else None


def hang_up(server: SMTP, _: Envelope) -> str:
    """Ends the connection without an answer."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()
    return "250 never seen"


async def stall(_server: SMTP, _envelope: Envelope) -> str | None:
    """Says nothing for longer than any test waits."""
    await asyncio.sleep(600)
    return None


async def babble(server: SMTP, _: Envelope) -> str | None:
    """Goes on answering without ever coming to an end."""
    while server.transport is not None and not server.transport.is_closing():
        await server.push("250-one moment")
        await asyncio.sleep(0.05)
    return None


@contextmanager
def serving(**more: Any) -> Iterator[MailServer]:
    """A server on a port of its own."""
    with socket.create_server((HOST, 0)) as free:
        port = int(free.getsockname()[1])
    server = MailServer(port)
    controller = Controller(server, hostname=HOST, port=port, ready_timeout=20, **more)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def knowing(user: bytes, password: bytes) -> Callable[..., AuthResult]:
    """An authenticator that lets in that one user."""

    def check(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object) -> AuthResult:
        right = isinstance(given, LoginPassword) and (given.login, given.password) == (user, password)
        return AuthResult(success=right, handled=False)

    return check


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for the server's address that signs itself, and what the server makes of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, private = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return file, context
