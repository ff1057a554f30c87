"""What can go wrong between this driver and a cloud, before it is known what it means for the call that met it."""

from __future__ import annotations

from enum import Enum

import requests
from keystoneauth1 import exceptions

from cloud_provisioner.errors import ProvisionerError


class Trouble(Enum):
    """Why no whole answer came; the value says it in the middle of a sentence."""

    UNKNOWN_HOST = "its host name is not known here"
    UNREACHABLE = "it accepts no connection"
    PROXY = "the proxy does not connect to it"
    CERTIFICATE = "its certificate is not trusted"
    TLS = "it does not speak TLS as expected"
    CA_FILE = "the file of certificates to trust cannot be used"
    ADDRESS = "its address cannot be used"
    SLOW = "it did not answer in time"
    CUT = "the connection broke off"
    TOO_LARGE = "its answer is too large"


class NoAnswer(ProvisionerError):
    """No whole answer of `where` (host:port) came. `sent`: the request may have arrived all the same."""

    def __init__(self, where: str, trouble: Trouble, *, sent: bool, detail: str = "") -> None:
        super().__init__(f"No answer from {where}: {trouble.value}{f' ({detail})' if detail else ''}.")
        self.where = where
        self.trouble = trouble
        self.sent = sent
        self.detail = detail


class NotUnderstood(ProvisionerError):
    """What `where` (host:port) answered is not what OpenStack answers; `broken`: it is, but not to its end."""

    def __init__(self, where: str, what: str, *, broken: bool = False) -> None:
        super().__init__(f"The answer of {where} is not OpenStack's: {what}.")
        self.where = where
        self.what = what
        self.broken = broken


class Answered(exceptions.HttpError):
    """An `answer` with a status from 300 on that is no list of versions; one of keystoneauth's, which looks for them."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__(http_status=answer.status_code, response=answer, url=answer.url)
        self.answer = answer


class Unauthorized(Answered, exceptions.Unauthorized):
    """An answer with the status 401."""
