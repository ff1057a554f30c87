"""Events of a followed stream as bytes for the reader: plain text, or server-sent events.

Server-sent events carry the text as a JSON string, since a line of theirs ends at a carriage return as well; what is no UTF-8
comes in base64 as the event `bytes`. `id` is the byte offset, with the run it belongs to, from which a reader that lost the
connection goes on (Last-Event-ID).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator

from api.jobs.follow import End, Event, Nothing, Restart, Stream, Text

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that nobody between takes the connection for dead."""
_CUT = 3
"""Bytes that a character's beginning may have at most."""
_ID = re.compile(r"([0-9]{1,15})(?:-([0-9a-f]{1,64}))?")


def plain(events: Iterable[Event]) -> Iterator[bytes]:
    """The text itself; a line of our own where the job starts again, or where the time to follow is over."""
    yield b""  # the head of the answer goes out at once, and not with the first text
    for event in events:
        if isinstance(event, Text):
            yield event.data
        elif isinstance(event, Restart):
            yield b"\n[prominence: the job was started again; its output begins anew]\n"
        elif isinstance(event, End) and not event.over:
            yield f"\n[prominence: the job goes on; ask again from offset={event.offset}]\n".encode()


def server_sent(
    events: Iterable[Event], stream: Stream, status: Callable[[], str], clock: Callable[[], float]
) -> Iterator[bytes]:
    """Server-sent events: `message` (text), `restart`, and `end` with the job's status once it has ended.

    Characters are sent whole. A stream that ends without `end` is to be asked for again, which browsers do by themselves.
    """
    held, sent = b"", clock()
    yield b": following\n\n"
    for event in events:
        if isinstance(event, Nothing):
            if clock() - sent >= HEARTBEAT:
                sent = clock()
                yield b": waiting\n\n"
            continue
        sent = clock()
        if isinstance(event, Text):
            data, held = _whole_characters(held + event.data)
            if data:
                yield _message(data, event.offset - len(held), stream.run)
        elif isinstance(event, Restart):
            held = b""
            yield f"id: 0-{stream.run}\nevent: restart\ndata: {{}}\n\n".encode()
        else:
            if held:
                yield _message(held, event.offset, stream.run)
            if event.over:
                yield f"event: end\ndata: {json.dumps({'status': status()})}\n\n".encode()


def position(last_event_id: str) -> tuple[int, str | None] | None:
    """The offset and the run in a Last-Event-ID of ours, None where it is none."""
    match = _ID.fullmatch(last_event_id)
    return (int(match.group(1)), match.group(2)) if match else None


def _message(data: bytes, offset: int, run: str) -> bytes:
    place = f"{offset}-{run}" if run else str(offset)
    try:
        kind, text = "", data.decode()
    except UnicodeDecodeError:
        kind, text = "event: bytes\n", base64.b64encode(data).decode("ascii")
    return f"id: {place}\n{kind}data: {json.dumps(text)}\n\n".encode()


def _whole_characters(data: bytes) -> tuple[bytes, bytes]:
    """The data without, and the beginning of, a character at its end whose rest has not come yet."""
    for length in range(1, min(_CUT, len(data)) + 1):
        lead = data[-length]
        if lead >= 0xC0:
            wanted = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            return (data[:-length], data[-length:]) if wanted > length else (data, b"")
        if lead < 0x80:
            break
    return data, b""
