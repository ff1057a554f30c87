"""One connection to the mail server: what each of its answers, and each silence, means for the message at hand.

A message is in doubt from the moment its text is handed over until the server has answered: whoever sends notes that before
(`handing_over`). Whatever goes wrong earlier leaves nothing at the server. A silent server is left after the time-out of the
settings; one that goes on answering without coming to an end, after a few times that.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from api.notifications.errors import (
    MailError,
    MailServerUnavailable,
    MessageDeferred,
    MessageInDoubt,
    MessageRefused,
)
from api.notifications.settings import MailSettings
from identity.errors import Misconfigured
from identity.private_files import read_private

_ANSWERS = 5
"""Time-outs after which a message is broken off however busily the server answers."""
_LONGEST_WORDS = 500
_GONE = "The mail server cannot be used"


def longest(settings: MailSettings) -> float:
    """Seconds that sending one message takes at most."""
    return _ANSWERS * settings.timeout


class Session:
    """A connection on which messages can be sent, one after the other."""

    def __init__(self, smtp: smtplib.SMTP, settings: MailSettings) -> None:
        self._smtp = smtp
        self._settings = settings

    def send(self, recipient: str, text: bytes, handing_over: Callable[[], None]) -> None:
        """Sends a message; it is at the server when this returns.

        Raises MailServerUnavailable, MessageDeferred, MessageRefused, MessageInDoubt, and what `handing_over` raises.
        """
        with _bounded(self._smtp, longest(self._settings)):
            self._address(recipient)
            handing_over()
            try:
                code, words = self._smtp.data(text)
            except smtplib.SMTPDataError as error:
                raise _answer(error.smtp_code, error.smtp_error) from error
            except OSError as error:
                raise MessageInDoubt(f"No answer came after it was handed over: {error}") from error
        if code != 250:
            raise _answer(code, words)

    def _address(self, recipient: str) -> None:
        try:
            self._smtp.rset()
            code, words = self._smtp.mail(self._settings.sender)
            if code != 250:
                # It would say the same of any other message.
                raise MailServerUnavailable(f"{_GONE}: it refuses the sender: {code} {_text(words)}")
            code, words = self._smtp.rcpt(recipient)
        except OSError as error:
            raise MailServerUnavailable(f"{_GONE}: {error}") from error
        if code not in (250, 251):
            raise _answer(code, words)


@contextmanager
def connected(settings: MailSettings) -> Iterator[Session]:
    """A connection, logged in where the settings say so. Raises MailServerUnavailable."""
    try:
        smtp = _opened(settings)
    except OSError as error:
        raise MailServerUnavailable(f"{_GONE}: {error}") from error
    try:
        try:
            with _bounded(smtp, longest(settings)):
                _prepare(smtp, settings)
        except (OSError, Misconfigured) as error:
            raise MailServerUnavailable(f"{_GONE}: {error}") from error
        yield Session(smtp, settings)
        with suppress(OSError):
            smtp.quit()
    finally:
        smtp.close()


def _opened(settings: MailSettings) -> smtplib.SMTP:
    name, timeout = _own_name(settings), settings.timeout
    if settings.tls == "tls":
        return smtplib.SMTP_SSL(settings.host, settings.port, name, timeout=timeout, context=_trust(settings))
    return smtplib.SMTP(settings.host, settings.port, name, timeout=timeout)


def _prepare(smtp: smtplib.SMTP, settings: MailSettings) -> None:
    if settings.tls == "starttls":
        # Raises where the server does not offer it: nothing is ever sent readable instead.
        smtp.starttls(context=_trust(settings))
    smtp.ehlo_or_helo_if_needed()
    if settings.user is not None and settings.password is not None:
        # Read for each connection: a changed password needs no restart.
        smtp.login(settings.user, read_private(settings.password, "mail.password").decode().strip())


def _trust(settings: MailSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.ca)


def _own_name(settings: MailSettings) -> str:
    """The name that this end gives itself; the machine's own would have to be looked up, which may take long."""
    host = settings.url.host or ""
    try:
        socket.inet_aton(host)
    except OSError:
        return host
    return f"[{host}]"


@contextmanager
def _bounded(smtp: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """Breaks the connection off after so many seconds, whatever is waited for then."""
    timer = threading.Timer(seconds, _break_off, (smtp,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _break_off(smtp: smtplib.SMTP) -> None:
    connection = smtp.sock
    if connection is not None:
        with suppress(OSError):
            # Not the method of a TLS socket, which would go on without TLS.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _answer(code: int, words: bytes | str) -> MailError:
    kind = MessageRefused if code >= 500 else MessageDeferred
    return kind(code, _text(words))


def _text(words: bytes | str) -> str:
    text = words.decode("ascii", "replace") if isinstance(words, bytes) else words
    return " ".join(text.split())[:_LONGEST_WORDS]
