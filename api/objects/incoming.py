"""Uploads that are not complete yet: a folder of files that nobody sees until they are moved into place.

A process may be killed at any point and leaves its file behind. Its lock goes with the process, so what is old and can be
locked is nobody's any more; a slow upload that still lives keeps its lock, however old it gets.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

ABANDONED = 600.0
"""Seconds without a write after which an upload may be looked at. Far longer than from a file's creation to its lock."""
_SYNC_EVERY = 64 * 2**20
"""Bytes after which written data is forced to the disk, so that the end of a large upload does not wait for all of it."""


class Incoming:
    """The folder; `new_id` gives names that are never used twice. Safe to use from many processes. OSError."""

    def __init__(self, folder: Path, new_id: Callable[[], str]) -> None:
        self._folder = folder
        self._new_id = new_id

    @contextlib.contextmanager
    def file(self) -> Iterator[IncomingFile]:
        """A new file, locked, in this context. It is removed at the end, unless it was moved into place."""
        path = self._folder / self._new_id()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with io.FileIO(descriptor, "wb") as stream:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield IncomingFile(path, stream)
        finally:
            path.unlink(missing_ok=True)

    def sweep(self, now: float) -> int:
        """Removes what killed processes left, and says how many files. `now` in epoch seconds."""
        removed = 0
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    old = entry.stat(follow_symlinks=False).st_mtime < now - ABANDONED
                    if old and _is_abandoned(Path(entry.path)):
                        Path(entry.path).unlink()
                        removed += 1
        return removed


class IncomingFile:
    """One upload on its way. OSError where the disk is full or broken."""

    def __init__(self, path: Path, stream: io.FileIO) -> None:
        self._path = path
        self._stream = stream
        self._unsynced = 0

    def write(self, data: bytes) -> None:
        """Adds all of `data` to the end."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._stream.write(rest) :]
        self._unsynced += len(data)
        if self._unsynced >= _SYNC_EVERY:
            os.fdatasync(self._stream.fileno())
            self._unsynced = 0

    def publish(self, target: Path) -> os.stat_result:
        """Moves the file to `target`, in place of what may be there. FileNotFoundError where the folder has gone."""
        os.fsync(self._stream.fileno())
        self._path.replace(target)
        return os.fstat(self._stream.fileno())


def _is_abandoned(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
