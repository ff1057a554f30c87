"""A job whose tasks have ended and whose outputs are to be stored."""

from __future__ import annotations

from itertools import count

from worker.scratch import Scratch
from worker.staging import outputs
from worker.staging.errors import (
    OutputError,
)
from worker.staging.outputs import Stage, Stored, Wanted
from worker.staging.upload import Service

from .staging_support import terms

DATA = bytes(range(256)) * 5000
MB = 2**20


class Job:
    """A job whose tasks have ended, with a service to store at."""

    def __init__(self, scratch: Scratch, url: str, token: str) -> None:
        self.home = scratch.home
        self.records: list[Stored] = []
        self.pauses: list[float] = []
        ticks = count()
        self.around = Stage(scratch, Service(url, token), terms(self.pauses), self.records, lambda: float(next(ticks)))

    def made(self, name: str, content: bytes = b"x") -> None:
        """A task wrote a file."""
        (self.home / name).parent.mkdir(parents=True, exist_ok=True)
        (self.home / name).write_bytes(content)

    def stored(self, *files: str, folders: tuple[str, ...] = ()) -> list[str]:
        """The names of what was stored; nothing went wrong."""
        failure = self.failure(*files, folders=folders)
        assert failure is None, failure.message
        return [record.name for record in self.records]

    def failure(self, *files: str, folders: tuple[str, ...] = ()) -> OutputError | None:
        return outputs.stage(Wanted(files, folders), self.around)
