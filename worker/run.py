"""What one run of the executor has around it."""

from __future__ import annotations

from contextlib import suppress
from io import FileIO
from typing import Callable, Mapping, NamedTuple

from worker.processes import Eviction
from worker.progress import Progress
from worker.running import Running
from worker.scratch import Scratch


class Log:
    """The executor's own log, one line an event; the job's streams belong to its tasks alone."""

    def __init__(self, stream: FileIO, now: Callable[[], float]) -> None:
        self._stream = stream
        self._now = now

    def __call__(self, text: str) -> None:
        """Write one line, after the time in epoch seconds; on a full disk it is lost, and no reason to stop."""
        with suppress(OSError):
            self._stream.write(f"{self._now():.3f} {text}\n".encode("utf-8", "backslashreplace"))


class Run(NamedTuple):
    """What one run of the executor has around it. ``now`` gives epoch seconds."""

    scratch: Scratch
    environ: Mapping[str, str]
    eviction: Eviction
    running: Running
    log: Log
    now: Callable[[], float]
    progress: Progress
