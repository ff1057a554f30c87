"""Finds the files of a checkpoint in the home of a running job, and packs them as they are at one moment each.

The job's processes may be hostile, and change what they like meanwhile: a file is opened without following any link.
"""

from __future__ import annotations

import os
import stat
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple, cast

from worker.checkpoints.errors import CheckpointChangingError, CheckpointNotSavedError
from worker.staging import paths
from worker.staging.errors import OutputMissingError, OutputRefusedError
from worker.staging.packing import Digesting, Packed
from worker.staging.terms import CHUNK

Parts = Tuple[str, ...]
Found = Dict[str, Parts]
"""The name of each file below the job's home -> its place there, without links on the way."""

MOST_FILES = 10_000
_LEVEL = 1
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class Mark(NamedTuple):
    """What is another whenever a file was replaced or written to: its times in nanoseconds, its size in bytes."""

    name: str
    inode: int
    size: int
    changed: int


def find(home: Path, patterns: Sequence[str]) -> Found:
    """The files of the names and patterns, as far as they are there; a directory stands for all files below it.

    Raises CheckpointNotSavedError.
    """
    found: Found = {}
    for pattern in patterns:
        try:
            for parts in paths.matches(home, pattern):
                _add(home, parts, found)
        except OutputMissingError:
            continue  # the job has not made it yet, or has just now put it elsewhere
        except OutputRefusedError as error:
            raise CheckpointNotSavedError(f"{error.output!r}: {error.detail}") from error
        except OSError as error:
            raise CheckpointChangingError(pattern) from error
    return found


def marks(home: Path, found: Found) -> Tuple[Mark, ...]:
    """The marks of the files at this moment. Raises CheckpointChangingError where one has gone."""
    return tuple(_mark(name, _status(home, place, name)) for name, place in sorted(found.items()))


def pack(home: Path, found: Found, archive: IO[bytes], check: Callable[[], None]) -> Packed:
    """Write an archive (.tar.gz) of the files to ``archive``; ``check`` is called often and may raise to end this.

    Raises CheckpointNotSavedError, and OSError where the archive cannot be written.
    """
    written = Digesting(archive)
    with tarfile.open(fileobj=cast(IO[bytes], written), mode="w:gz", compresslevel=_LEVEL) as tar:
        for name, place in sorted(found.items()):
            check()
            with _opened(home, place, name) as file:
                _add_file(tar, name, file, check)
            cast(Any, tar).members.clear()  # or it remembers all of them
    return Packed(written.size, written.digest.hexdigest())


def _add(home: Path, parts: Parts, found: Found) -> None:
    """Add the file or directory of a name."""
    waiting: List[Tuple[Parts, Parts]] = [(parts, paths.resolve(home, parts, "/".join(parts)))]
    while waiting:
        name, place = waiting.pop()
        kind = stat.S_IFMT(home.joinpath(*place).lstat().st_mode)
        if kind == stat.S_IFDIR:
            below = sorted(entry.name for entry in home.joinpath(*place).iterdir())
            waiting += [((*name, one), (*place, one)) for one in below]
        elif kind == stat.S_IFREG:
            found["/".join(name)] = place
            if len(found) > MOST_FILES:
                raise CheckpointNotSavedError(f"it has more than {MOST_FILES} files; put them into fewer, larger ones")


def _status(home: Path, place: Parts, name: str) -> os.stat_result:
    try:
        return home.joinpath(*place).lstat()
    except OSError as error:
        raise CheckpointChangingError(name) from error


def _mark(name: str, status: os.stat_result) -> Mark:
    return Mark(name, status.st_ino, status.st_size, status.st_mtime_ns)


@contextmanager
def _opened(home: Path, place: Parts, name: str) -> Iterator[IO[bytes]]:
    try:
        descriptor = _descriptor(home, place)
    except PermissionError as error:
        raise CheckpointNotSavedError(f"the file {name!r} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise CheckpointChangingError(name) from error
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        yield file


def _descriptor(home: Path, place: Parts) -> int:
    folder = os.open(home, _FOLDER)
    try:
        for part in place[:-1]:
            below = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(place[-1], _FILE, dir_fd=folder)
    finally:
        os.close(folder)


class _Reading:
    """A file of which every byte that was announced is there. Raises CheckpointChangingError, and what ``check`` raises."""

    def __init__(self, name: str, file: IO[bytes], check: Callable[[], None]) -> None:
        self._name = name
        self._file = file
        self._check = check

    def read(self, count: int = -1) -> bytes:
        """``count`` bytes."""
        data = b""
        while len(data) < count:
            self._check()
            more = self._file.read(min(CHUNK, count - len(data)))
            if not more:
                raise CheckpointChangingError(self._name)
            data += more
        return data


def _add_file(tar: tarfile.TarFile, name: str, file: IO[bytes], check: Callable[[], None]) -> None:
    before = os.fstat(file.fileno())
    if not stat.S_ISREG(before.st_mode):
        raise CheckpointChangingError(name)
    info = tarfile.TarInfo(name)
    info.mode, info.mtime, info.size = stat.S_IMODE(before.st_mode) & 0o777, int(before.st_mtime), before.st_size
    tar.addfile(info, cast(IO[bytes], _Reading(name, file, check)))
    if _mark(name, os.fstat(file.fileno())) != _mark(name, before):
        raise CheckpointChangingError(name)
