"""One HTTP request with a bounded wait for everything, also for a server that sends a byte now and then.

A watch on each connection counts the bytes that move. It ends the connection when a window brings too few, whatever the
program waits for at that moment: names and chunks of the answer, the TLS handshake, room for the next bytes to send.
"""

from __future__ import annotations

import base64
import http.client
import socket
import threading
from contextlib import closing, contextmanager, suppress
from typing import Dict, Iterator, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from worker.images.reference import is_address, is_loopback
from worker.staging.errors import TransferError
from worker.staging.terms import Pace

_REDIRECTS = 5
_REDIRECT = (301, 302, 303, 307, 308)
_UNQUOTED = "/%:=&?~+!$,;'@()*[]"
_PASSING = (408, 425, 429)
LONGEST_SENTENCE = 4096


class Body(NamedTuple):
    """What is sent: ``size`` bytes in ``chunks``."""

    size: int
    chunks: Iterator[bytes]


class Reply:
    """An answer; its body is read within the block of ``ask``."""

    def __init__(self, response: http.client.HTTPResponse, where: str, watch: "_Watch") -> None:
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers
        self.where = where
        self._response = response
        self._watch = watch

    def read(self, most: int) -> bytes:
        """The next bytes, ``most`` at most, as soon as there are some; empty at the end."""
        data = self._response.read1(most)
        self._watch.note(len(data))
        return data

    def passing(self) -> Optional[TransferError]:
        """The error to try again after, where the status says that another try may be answered better."""
        if self.status < 500 and self.status not in _PASSING:
            return None
        return TransferError(self.where, f"it answered {self.status} {self.reason}", self.retry_after())

    def retry_after(self) -> Optional[float]:
        """The seconds after which the server wants to be asked again, if it says so."""
        asked = self.headers.get("Retry-After") or ""
        return float(asked) if asked.isdigit() and len(asked) < 9 else None


@contextmanager
def ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    pace: Pace,
    body: Optional[Body] = None,
    private: Mapping[str, str] = {},
) -> Iterator[Reply]:
    """The answer to a request, whatever its status; redirects are followed for GET and HEAD alone.

    ``private`` are headers for the server at ``url`` alone: they do not follow a redirect to another one. Raises
    TransferError, also for errors of the network within the block.
    """
    where = host(url)
    for _ in range(_REDIRECTS + 1):
        connection = _connection(url, pace)
        with _watched(connection, where, pace) as watch:
            _send(connection, method, url, {**headers, **private}, body, watch)
            with closing(connection.getresponse()) as response:  # the connection may have let go of it
                location = response.headers.get("Location")
                if method not in ("GET", "HEAD") or response.status not in _REDIRECT or not location:
                    yield Reply(response, where, watch)
                    return
        target = _redirected(url, location)
        private = private if _origin(target) == _origin(url) else {}
        url, where = target, host(target)
    raise TransferError(where, "it redirects without end")


def host(url: str) -> str:
    """The host and port of an address."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _origin(url: str) -> Tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


class _Watch:
    """Ends a connection that is too slow. ``slow`` says that it did."""

    def __init__(self, connection: http.client.HTTPConnection, pace: Pace) -> None:
        self.slow = False
        self._connection = connection
        self._socket: Optional[socket.socket] = None
        self._pace = pace
        self._moved = 0
        self._over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def note(self, count: int) -> None:
        """So many bytes came or went."""
        self._moved += count

    def connected(self) -> None:
        """The connection is there; its socket is needed later, when the connection may have let go of it."""
        self._socket = self._connection.sock
        self._socket.settimeout(self._pace.silence)

    def end(self) -> None:
        """Nothing is left to watch."""
        self._over.set()

    def _look(self) -> None:
        before = 0
        while not self._over.wait(self._pace.window):
            if self._moved - before < self._pace.least:
                self.slow = True
                self._cut()
                return
            before = self._moved

    def _cut(self) -> None:
        connected = self._socket or self._connection.sock
        if connected is not None:
            with suppress(OSError):
                # Not the method of a TLS socket: that one would let the reader go on in the clear.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)


@contextmanager
def _watched(connection: http.client.HTTPConnection, where: str, pace: Pace) -> Iterator[_Watch]:
    watch = _Watch(connection, pace)
    too_slow = TransferError(where, f"fewer than {pace.least} bytes moved in {pace.window:g} s")
    try:
        yield watch
        if watch.slow:  # a connection that was ended looks like the end of an answer without a length
            raise too_slow
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise (too_slow if watch.slow else TransferError(where, _reason(error))) from error
    finally:
        watch.end()
        connection.close()


def _connection(url: str, pace: Pace) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=pace.connect)


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: Optional[Body],
    watch: _Watch,
) -> None:
    connection.connect()
    watch.connected()
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.putrequest(method, quote(target, safe=_UNQUOTED, errors="surrogateescape"), skip_accept_encoding=True)
    for name, value in {**_own_headers(url), **headers}.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(body.size))
    connection.endheaders()
    if body is not None:
        _send_body(connection, body, watch)


def _own_headers(url: str) -> Dict[str, str]:
    headers = {"User-Agent": "prominence-worker", "Accept-Encoding": "identity", "Connection": "close"}
    parts = urlsplit(url)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
    return headers


def _send_body(connection: http.client.HTTPConnection, body: Body, watch: _Watch) -> None:
    try:
        for chunk in body.chunks:
            connection.send(chunk)
            watch.note(len(chunk))
    except (BrokenPipeError, ConnectionResetError):
        return  # the other end may have answered early, with the reason; if it has not, reading the answer fails


def _redirected(url: str, location: str) -> str:
    target = urljoin(url, location)
    before, after = urlsplit(url), urlsplit(target)
    in_the_clear = before.scheme == "https" and after.scheme != "https" and not is_loopback(after.netloc)
    if after.scheme not in ("http", "https") or not is_address(target) or in_the_clear:
        raise TransferError(host(url), "it redirects to an address that is not safe to follow")
    return target


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
