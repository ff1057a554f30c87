"""A job's output as the service sends it while it grows: server-sent events, read into pieces of bytes."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from prominence.errors import UnexpectedAnswer

EVENT_STREAM = "text/event-stream"
SILENCE = 45.0
"""Seconds without a byte after which a connection counts as lost: the service sends something every 15 s."""


@dataclass(frozen=True)
class Piece:
    """A part of the output, or what became of it.

    `place` is where the next piece begins, to be given to `follow` after a lost connection. With `restarted` the job began
    again, and so does the output. The last piece has the `status` in which the job ended; output that ends without
    one is to be followed again.
    """

    data: bytes = b""
    place: str = ""
    restarted: bool = False
    status: str | None = None


def pieces(lines: Iterable[bytes]) -> Iterator[Piece]:
    """Yield the pieces in the lines of a stream of events. Raises UnexpectedAnswer where they are none."""
    event, place, data = "", "", ""
    for line in lines:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "event":
            event = value
        elif name == "id":
            place = value
        elif name == "data":
            data = value
        elif not line and data:
            yield _piece(event, place, data)
            event, data = "", ""


def _piece(event: str, place: str, data: str) -> Piece:
    try:
        value: Any = json.loads(data)
        if event == "end":
            return Piece(place=place, status=str(value["status"]))
        if event == "restart":
            return Piece(place=place, restarted=True)
        if event == "bytes":
            return Piece(base64.b64decode(value, validate=True), place)
        return Piece(str(value).encode(), place)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise UnexpectedAnswer("The service sent output in a form that this client does not know: update it.") from None
