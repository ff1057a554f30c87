"""Following a job: its output as it grows, until the job has ended.

Each round looks at the job first and reads its output after, so that what is read after the last look is
all there will be. The output is asked for by byte offset: nothing is printed twice, no character cut in two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prominence.client import Client
from prominence.console import Console
from prominence.errors import Refused, Unavailable, Unreachable
from prominence.jobs import Document

POLL = 2.0
"""Seconds between two looks at most."""


class Tail:
    """The growing end of one stream: `read(offset)` gives the bytes from there on, `write` takes them."""

    def __init__(self, read: Callable[[int], bytes], write: Callable[[bytes], None]) -> None:
        self._read = read
        self._write = write
        self._offset = 0

    def advance(self) -> bool:
        """Pass on what is new; return whether anything was."""
        data = self._read(self._offset)
        if data:
            self._write(data)
            self._offset += len(data)
        return bool(data)


def follow(
    client: Client,
    job_id: int,
    tails: Sequence[Tail],
    console: Console,
    *,
    created: bool = False,
    must_exist: bool = False,
) -> Document:
    """Pass on the job's output until the job has ended, and return its description.

    A stream that the service refuses does not exist yet. At the end this is an error (Refused) with
    `must_exist` only: a job may end without having started. `created` as in `Client.watch`.
    """
    job: Document = {}
    for job in client.watch(job_id, POLL, created=created, clock=console.monotonic, sleep=console.sleep):
        if job["status"] == "running":
            for tail in tails:
                _advance(tail)
    for tail in tails:
        _finish(tail, must_exist)
    return job


def _advance(tail: Tail) -> None:
    """Read while the job is active: what fails now is there again at the next round."""
    try:
        tail.advance()
    except (Refused, Unavailable, Unreachable):
        return


def _finish(tail: Tail, must_exist: bool) -> None:
    """Read all that is left, in as many pieces as the service gives it."""
    try:
        while tail.advance():
            continue
    except Refused:
        if must_exist:
            raise
