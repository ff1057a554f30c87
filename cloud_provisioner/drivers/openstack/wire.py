"""HTTP as far as this driver needs it: each request is sent once, within its time, and its answer fits into memory.

keystoneauth gives requests one time-out for connecting and for each read, so that a cloud which sends a byte now and
then holds its caller for ever; and it does not tell whether a request may have arrived. Both are settled here.
"""

from __future__ import annotations

import io
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests import exceptions

from cloud_provisioner.drivers.openstack.errors import NoAnswer, Trouble

LARGEST = 64 * 1024 * 1024
"""Bytes of an answer at most: some 20,000 servers."""
_PIECE = 65536
_PORTS: Mapping[str, int | str] = {"http": 80, "https": 443}


class Wire(requests.Session):
    """A session whose requests end after `patience` seconds; safe to share between threads. Raises NoAnswer.

    A POST has a connection of its own: on one that was kept, a cloud may hang up just as the request is sent, and nobody
    could tell whether it had arrived.
    """

    def __init__(self, patience: float, largest: int = LARGEST) -> None:
        super().__init__()
        self._patience = patience
        self._largest = largest
        self.auth = _unchanged  # or a ~/.netrc would replace the token of a sign-in

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """As requests does it, but the answer has been read to its end. NoAnswer."""
        kwargs |= {"timeout": self._patience, "stream": True, "allow_redirects": False}
        end = time.monotonic() + self._patience
        where = place(str(url))
        try:
            response = super().request(method, url, *args, **kwargs)
            with response:
                content = self._read(response, where, end)
        except exceptions.RequestException as error:
            raise _no_answer(where, error) from None
        except urllib3.exceptions.HTTPError as error:
            slow = isinstance(error, urllib3.exceptions.TimeoutError)
            raise NoAnswer(where, Trouble.SLOW if slow else Trouble.CUT, sent=True) from None
        except OSError:  # requests' own, about the file with the certificates
            raise NoAnswer(where, Trouble.CA_FILE, sent=False) from None
        response.raw = io.BytesIO(content)
        return response

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Sends what was prepared, a POST over a new connection."""
        if request.method != "POST":
            return super().send(request, **kwargs)
        with requests.Session() as fresh:
            return fresh.send(request, **kwargs)

    def _read(self, response: requests.Response, where: str, end: float) -> bytes:
        content = bytearray()
        while piece := response.raw.read1(_PIECE, decode_content=True):
            content += piece
            if len(content) > self._largest:
                raise NoAnswer(where, Trouble.TOO_LARGE, sent=True)
            if time.monotonic() > end:
                raise NoAnswer(where, Trouble.SLOW, sent=True)
        return bytes(content)


def place(url: str) -> str:
    """The host:port of an address, for messages: never what else may stand in it."""
    try:
        parts = urlsplit(url)
        port: int | str = parts.port or _PORTS.get(parts.scheme, "?")
        return f"{parts.hostname or '?'}:{port}"
    except ValueError:
        return "?"


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


_BAD_ADDRESS = (
    exceptions.InvalidURL,
    exceptions.InvalidSchema,
    exceptions.MissingSchema,
    exceptions.InvalidHeader,
    exceptions.InvalidProxyURL,
)


def _no_answer(where: str, error: exceptions.RequestException) -> NoAnswer:
    """What an exception of requests' says. Only what is raised before anything is sent counts as not sent."""
    causes = list(_causes(error))
    if isinstance(error, _BAD_ADDRESS):
        return NoAnswer(where, Trouble.ADDRESS, sent=False)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NoAnswer(where, Trouble.CERTIFICATE, sent=False, detail=cause.verify_message)
    if isinstance(error, exceptions.SSLError):
        return NoAnswer(where, Trouble.TLS, sent=True)
    if isinstance(error, exceptions.ProxyError):
        return NoAnswer(where, Trouble.PROXY, sent=False)
    if any(isinstance(cause, urllib3.exceptions.NameResolutionError) for cause in causes):
        return NoAnswer(where, Trouble.UNKNOWN_HOST, sent=False)
    if isinstance(error, exceptions.ConnectTimeout):
        return NoAnswer(where, Trouble.SLOW, sent=False)
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return NoAnswer(where, Trouble.UNREACHABLE, sent=False)
    return NoAnswer(where, Trouble.SLOW if isinstance(error, exceptions.Timeout) else Trouble.CUT, sent=True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it was made of."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _causes(inner)
