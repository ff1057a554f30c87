"""Bodies of uploads, read piece by piece: flat memory, bounded waits, and no end that only looks like one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

from flask import Request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.exceptions import ClientDisconnected

from api.objects.errors import BrokenUpload, UploadTooSlow

_PIECE = 256 * 1024
STALLED = 60.0
"""Seconds that a client may keep silent within an upload or a download."""
_DRAINED = 64 * 2**20
_DRAIN_TIME = 10.0
"""Bytes, and seconds, for which a refused upload is still read, so that the client comes to see why."""

_LOST = (OSError, ParseException, ClientDisconnected)
"""What reading raises when the client goes away, is silent for too long, or sends what is no HTTP."""


class Body:
    """The body of one upload, that may take `longest` seconds; `clock` gives seconds."""

    def __init__(self, request: Request, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        # The store has limits of its own; the one for documents, which None would bring back, does not hold here.
        request.max_content_length = sys.maxsize
        limit_waits(request)
        self.announced = request.content_length
        self._stream = request.stream
        self._received = 0
        self._longest = longest
        self._clock = clock

    def __iter__(self) -> Iterator[bytes]:
        """The pieces. BrokenUpload where the end does not come or comes too early, UploadTooSlow."""
        deadline = self._clock() + self._longest
        while data := self._read():
            self._received += len(data)
            yield data
            if self._clock() > deadline:
                raise UploadTooSlow(self._longest)
        if self.announced is not None and self._received != self.announced:
            raise BrokenUpload(self.announced, self._received)

    def drain(self) -> None:
        """Reads on for a while without looking, after a refusal."""
        deadline = self._clock() + _DRAIN_TIME
        rest = _DRAINED
        try:
            while rest > 0 and self._clock() < deadline:
                data = self._stream.read(_PIECE)
                if not data:
                    return
                rest -= len(data)
        except _LOST:
            return

    def _read(self) -> bytes:
        try:
            return self._stream.read(_PIECE)
        except _LOST as error:
            raise BrokenUpload(self.announced, self._received) from error


def limit_waits(request: Request) -> None:
    """Lets no read from or write to this request's client wait for longer than STALLED seconds."""
    socket = request.environ.get("gunicorn.socket")
    if socket is not None:
        socket.settimeout(STALLED)
