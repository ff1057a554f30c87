"""Following a job's output: what is there, then what is added, until the job has ended.

Races thought of:
- A stream's file shrinks without its content having changed: when the job has ended HTCondor writes the whole of it over the
  copy that was made meanwhile, and a worker that lost its connection makes its copy anew. Then there is nothing to send until
  the file is longer than what was sent.
- A job starts again and writes its stream anew. The run's name, in a file beside it, tells that. It is read after the text:
  an unchanged name means that the text is of the same run (worker/live.py changes the name while the streams are empty).
- The job leaves the queue after its output came back: what is read after that was seen is all there will be.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore

from api.jobs import folder
from api.jobs.exchange import RUN_FILE
from api.jobs.watch import JobWatch

CHUNK = 64 * 1024
"""Bytes that are read and sent at a time."""
_LARGEST_RUN = 64
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 1.0


@dataclass(frozen=True)
class Text:
    """A piece of the stream that ends at byte `offset`."""

    data: bytes
    offset: int


@dataclass(frozen=True)
class Restart:
    """The job started again: what follows is its stream from the beginning."""


@dataclass(frozen=True)
class Nothing:
    """Nothing new; comes after every pause."""


@dataclass(frozen=True)
class End:
    """The job has ended (`over`), or the stream has lasted as long as it may; it came to byte `offset`."""

    over: bool
    offset: int


Event = Text | Restart | Nothing | End


@dataclass(frozen=True)
class Limits:
    """How long one request may follow (seconds), and how many a process serves at a time."""

    longest: float = 12 * 3600.0
    at_once: int = 64


class Stream:
    """One stream of one job, read on from byte `offset`. `run` is the run that the offset belongs to, None: the present one."""

    def __init__(self, sandbox: Path, name: str, offset: int, run: str | None = None) -> None:
        self._file = sandbox / name
        self._run_file = sandbox / RUN_FILE
        self._offset = offset
        self._looked_at: tuple[int, int, int] | None = None
        self._present: bytes | None = None
        self._run = run.encode() if run is not None else self._present_run()

    @property
    def offset(self) -> int:
        """Up to which byte it was read."""
        return self._offset

    @property
    def run(self) -> str:
        """Name of the run that the offset belongs to; empty where there is none."""
        return (self._run or b"").decode("ascii", "replace")

    def size(self) -> int:
        """How long the file is at the moment."""
        found = folder.signature(self._file)
        return 0 if found is None else found[2]

    def next(self) -> Text | Restart | None:
        """What follows, None where there is nothing at the moment."""
        data = self._read()
        present = self._present_run()
        if present != self._run and present is not None:
            began, self._run = self._offset, present
            if began:
                self._offset = 0
                return Restart()
        if not data:
            return None
        self._offset += len(data)
        return Text(data, self._offset)

    def _read(self) -> bytes:
        if self.size() <= self._offset:
            return b""
        with folder.opened(self._file) as descriptor:
            return b"" if descriptor is None else os.pread(descriptor, CHUNK, self._offset)

    def _present_run(self) -> bytes | None:
        found = folder.signature(self._run_file)
        if found != self._looked_at:
            self._looked_at = found
            self._present = folder.read(self._run_file, _LARGEST_RUN)
        return self._present


class Following:
    """Follows streams. `places` bounds how many requests of the process do so at a time."""

    def __init__(
        self,
        watch: JobWatch,
        limits: Limits | None = None,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.watch = watch
        self.limits = limits or Limits()
        self.places = BoundedSemaphore(self.limits.at_once)
        self._wait = wait
        self._clock = clock

    def events(self, number: int, stream: Stream, active: bool, gone: Callable[[], bool]) -> Iterator[Event]:
        """The events of a stream of job `number`, the last one End; `active` says whether the job has not ended yet.

        Ends early where the reader is `gone()`. The job must be watched.
        """
        deadline = self._clock() + self.limits.longest
        pause = _FIRST_PAUSE
        while True:
            active = active and self.watch.seen(number).active
            found = stream.next()
            while found is not None:
                yield found
                pause = _FIRST_PAUSE
                found = stream.next()
            if not active or self._clock() > deadline:
                yield End(not active, stream.offset)
                return
            if gone():
                return
            self._wait(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            yield Nothing()
