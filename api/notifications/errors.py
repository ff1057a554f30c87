"""What becomes of a message that is not sent at once. None of these reaches a client of the API."""

from __future__ import annotations


class MailError(Exception):
    """Base of everything this package raises; the message is for the log and for the operators."""


class MailServerUnavailable(MailError):
    """The mail server cannot be used at the moment, for any message: it is tried again later."""


class _Answered(MailError):
    """The mail server's answer about one message: `status` is SMTP's, `words` are the server's."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"The mail server said: {status} {words}")
        self.status = status
        self.words = words


class MessageDeferred(_Answered):
    """The mail server does not take this message now (4xx): it is tried again later."""


class MessageRefused(_Answered):
    """The mail server never takes this message (5xx): it is given up."""


class MessageInDoubt(MailError):
    """The message was handed over and no answer came: the mail server may have it or not."""


class MessageTaken(MailError):
    """Another sender has taken the message over, because this one was too slow: nothing was sent here."""

    def __init__(self) -> None:
        super().__init__("Another sender has taken the message over.")


class MessageUnwritable(MailError):
    """No message can be made of what is in the database."""
