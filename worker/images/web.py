"""A small HTTP client: one request, timeouts, redirects; it imports in a third of the time of ``urllib.request``.

``Authorization`` is sent to the host it is meant for alone, and never follows a redirect to another one or into the
clear.
"""

from __future__ import annotations

import http.client
from contextlib import contextmanager
from typing import Dict, Iterator, Mapping, Optional
from urllib.parse import urljoin, urlsplit

from worker.errors import ImageCredentialsError, ImageError, ImageNetworkError, ImageNotFoundError, ImageRateLimitError
from worker.images.reference import is_address, is_loopback

TIMEOUT = 60.0
"""Seconds without a byte after which a server counts as dead."""
CONNECT_TIMEOUT = 10.0
"""Seconds in which each of a server's addresses must accept a connection."""
REDIRECTS = 5
_REDIRECT = (301, 302, 303, 307, 308)
_MISSING = (404, 410)
_REFUSED = (401, 403)


@contextmanager
def ask(
    image: str, method: str, url: str, headers: Mapping[str, str], timeout: float = TIMEOUT
) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request, whatever its status, after redirects; its body is read within the block.

    ``image`` is for messages. Raises ImageNetworkError, also for errors of the network within the block.
    """
    connection: Optional[http.client.HTTPConnection] = None
    sent: Dict[str, str] = {"User-Agent": "prominence-worker", "Accept-Encoding": "identity", **headers}
    try:
        for _ in range(REDIRECTS + 1):
            connection = _connect(url, timeout)
            response = _send(connection, method, url, sent)
            if response.status not in _REDIRECT or not response.headers.get("Location"):
                yield response
                return
            connection.close()
            url, sent = _follow(image, url, str(response.headers["Location"]), sent)
        raise ImageNetworkError(image, _host(url), "it redirects without end")
    except (OSError, http.client.HTTPException) as error:
        raise ImageNetworkError(image, _host(url), _reason(error)) from error
    finally:
        if connection is not None:
            connection.close()


def refusal(image: str, response: http.client.HTTPResponse, where: str, credential_given: bool) -> ImageError:
    """The error that a status other than success stands for."""
    status = response.status
    if status in _MISSING:
        return ImageNotFoundError(image, where)
    if status in _REFUSED:
        return ImageCredentialsError(image, where, credential_given)
    if status == 429:
        return ImageRateLimitError(image, where, _seconds(response.headers.get("Retry-After")))
    return ImageNetworkError(image, where, f"it answered {status} {response.reason}")


def _connect(url: str, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=min(timeout, CONNECT_TIMEOUT))
    connection.connect()
    connection.sock.settimeout(timeout)
    return connection


def _send(
    connection: http.client.HTTPConnection, method: str, url: str, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    connection.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=dict(headers))
    return connection.getresponse()


def _follow(image: str, url: str, location: str, headers: Dict[str, str]) -> "tuple[str, Dict[str, str]]":
    target = urljoin(url, location)
    before, after = urlsplit(url), urlsplit(target)
    in_the_clear = before.scheme == "https" and after.scheme != "https" and not is_loopback(after.netloc)
    if after.scheme not in ("http", "https") or not is_address(target) or in_the_clear:
        raise ImageNetworkError(image, _host(url), "it redirects to an address that is not safe to follow")
    if (before.scheme, before.netloc) == (after.scheme, after.netloc):
        return target, headers
    return target, {name: value for name, value in headers.items() if name != "Authorization"}


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _seconds(text: Optional[str]) -> Optional[float]:
    return float(text) if text and text.isdigit() else None
