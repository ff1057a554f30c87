"""Files in a job's folder, read and written with suspicion.

The folder's content is the doing of a worker as well, through HTCondor's I/O proxy. A worker that was broken into may put a
symbolic link, a pipe or a file of any size in place of any file: no link is followed, only regular files are opened, and every
read has a limit.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(path: Path) -> Iterator[int | None]:
    """A descriptor of the regular file at `path`, None where there is none; only its last part may be anybody else's work."""
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        yield None
        return
    try:
        yield descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)


def read(path: Path, limit: int) -> bytes | None:
    """The content of the regular file at `path`; None where there is none, or a larger one than `limit` bytes."""
    with opened(path) as descriptor:
        if descriptor is None or os.fstat(descriptor).st_size > limit:
            return None
        data = b""
        while piece := os.read(descriptor, limit + 1 - len(data)):
            data += piece
            if len(data) > limit:
                return None
        return data


def overwrite(path: Path | str, text: str) -> None:
    """Writes a file, readable by this account alone, that nobody reads before it is whole. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        rest = memoryview(text.encode())
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def put(path: Path, data: bytes) -> None:
    """Puts a new file in place, whole and readable by this account alone. Raises OSError."""
    partial = path.with_name(f"{path.name}.partial")
    descriptor = os.open(partial, _WRITE, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        partial.rename(path)
    except OSError:
        discard(partial)
        raise


@contextmanager
def entered(path: Path) -> Iterator[Path]:
    """The directory at `path`, made where it is missing, under a name that stays its own whatever is put in its place.

    Raises OSError where something else is at `path`.
    """
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def discard(path: Path) -> None:
    """Sees to it that there is no file at `path`."""
    with suppress(OSError):
        path.unlink()


def signature(path: Path) -> tuple[int, int, int] | None:
    """Another value whenever the file at `path` was replaced or written to; None where there is none. Cheap."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
