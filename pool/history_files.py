"""The files that a schedd with PER_JOB_HISTORY_DIR leaves for each job that leaves its queue: found, read, given up.

The schedd writes a temporary file and renames it, before it takes the job out of its queue: so a job that is no longer in the
queue has its file, until whoever collects the files deletes it.

Races and failures thought of:
- A schedd that was killed while it wrote leaves its temporary file behind, and finding it there is fatal to the next schedd:
  `remove_leftovers` takes away what no living schedd can still be writing.
- The schedd does not look whether closing the temporary file succeeded: on a full disk a file may end in the middle. Its
  attributes are in alphabetical order, so a whole file has a last line with its end, and `User`; others are unreadable.
- A schedd killed between the file and its queue writes the file again: the same job, the same name.
"""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import classad2

from pool.values import plain

REFUSED = "refused"
"""Folder, below that of the files, of those that could not be used."""
LARGEST = 8 * 2**20
"""Bytes of the largest file that is read."""

_FILE = re.compile(r"history\.([0-9]{1,10})\.([0-9]{1,10})")
_LEFTOVER = re.compile(r"\.history\.[0-9.]+\.tmp")
_ALWAYS = ("ClusterId", "ProcId", "JobStatus", "User")


class UnreadableFile(Exception):
    """A file is not the whole ad of a job; `file` is its name, the message says what is wrong."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}.")
        self.file = file


@dataclass(frozen=True)
class HistoryFiles:
    """The folder of the files of one schedd."""

    folder: Path

    def names(self) -> Iterator[str]:
        """Names of the files that are there, in no order, without holding them all. OSError where the folder cannot be read."""
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if _FILE.fullmatch(entry.name):
                    yield entry.name

    def latest(self, count: int, among: int) -> list[str]:
        """Names of the `count` files with the highest job ids, out of `among` at most."""
        return heapq.nlargest(count, islice(self.names(), among), key=_ids)

    def oldest(self, among: int) -> tuple[int, float | None]:
        """How many files there are, `among` at most, and when the oldest of these was written, epoch seconds."""
        count, oldest = 0, None
        for name in islice(self.names(), among):
            count += 1
            written = self._written(name)
            if written is not None and (oldest is None or written < oldest):
                oldest = written
        return count, oldest

    def text(self, name: str) -> bytes | None:
        """What is in a file; None where it is gone. UnreadableFile where it is too large or cannot be read."""
        path = self.folder / name
        try:
            if path.stat().st_size > LARGEST:
                raise UnreadableFile(name, f"it is larger than {LARGEST // 2**20} MB")
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableFile(name, f"it cannot be read ({error.strerror})") from error

    def remove(self, names: Sequence[str]) -> None:
        """Deletes files; those that are gone are fine."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def refuse(self, name: str) -> None:
        """Moves a file aside, where it is in nobody's way and can be looked at; one that is gone is fine."""
        aside = self.folder / REFUSED
        aside.mkdir(mode=0o700, exist_ok=True)
        try:
            (self.folder / name).rename(aside / name)
        except FileNotFoundError:
            return

    def remove_leftovers(self, before: float) -> list[str]:
        """Deletes temporary files last written before that time (epoch seconds); their names."""
        with os.scandir(self.folder) as entries:
            names = [entry.name for entry in entries if _LEFTOVER.fullmatch(entry.name)]
        stale = [name for name in names if (self._written(name) or before) < before]
        self.remove(stale)
        return stale

    def _written(self, name: str) -> float | None:
        try:
            return (self.folder / name).stat().st_mtime
        except FileNotFoundError:
            return None


def parsed(name: str, content: bytes, wanted: Sequence[str]) -> dict[str, Any]:
    """The attributes `wanted` of the ad in a file, evaluated, None where they have no value. UnreadableFile."""
    if not content.endswith(b"\n"):
        raise UnreadableFile(name, "it ends in the middle of a line")
    # Four of five attributes are of no interest, and parsing is what takes the time.
    names = {name.encode() for name in (*_ALWAYS, *wanted)}
    lines = [line for line in content.split(b"\n") if line.partition(b" = ")[0] in names]
    try:
        ad = classad2.parseOne(b"\n".join(lines).decode("utf-8", "replace"), classad2.ParserType.Old)
    except classad2.ClassAdException as error:
        raise UnreadableFile(name, f"it is not a ClassAd ({error})") from error
    missing = [attribute for attribute in _ALWAYS if attribute not in ad]
    if missing:
        raise UnreadableFile(name, f"it is not the whole ad of a job: it lacks {', '.join(missing)}")
    return {attribute: plain(ad.eval(attribute)) if attribute in ad else None for attribute in wanted}


def _ids(name: str) -> tuple[int, int]:
    found = _FILE.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else (0, 0)
