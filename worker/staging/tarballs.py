"""The entries of a tar archive, plain or compressed, one after the other in flat memory.

The archive is nobody's friend: its headers may be endless, be missing in the middle, or promise what does not come. `tarfile`
reads extended headers into memory whole, whatever size they claim, and takes a damaged header for the end.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Callable, Generator, cast

from worker.staging.entries import Entry, Kind

_HEADERS = 1024 * 1024
"""Bytes of the headers of one entry."""
_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
_VOLUME_LABEL = b"V"


class DamagedError(Exception):
    """The archive breaks the rules of its format; the text says how. Never leaves the package."""


def entries(file: Path, check: Callable[[], None]) -> Generator[Entry, None, None]:
    """The archive's entries; ``check`` is called often and may raise.

    Raises DamagedError and whatever `tarfile` and the decompressors raise over damaged bytes.
    """
    with (
        closing(_Reader(_opened(file), check)) as reader,
        tarfile.open(fileobj=cast(IO[bytes], reader), mode="r:") as tar,
    ):
        while True:
            reader.allow(_HEADERS)
            member = tar.next()
            if member is None:
                break
            cast(Any, tar).members.clear()  # or it remembers all of them
            if member.type != _VOLUME_LABEL:
                reader.allow(member.size + _HEADERS)
                yield _entry(tar, member)
        if reader.last.strip(b"\0"):
            raise DamagedError("it is damaged in the middle")


class _Reader:
    """A decompressed stream of which no more is read than was allowed, so that nothing is read into memory whole.

    ``last`` is what was read last: where an archive ends, the block of zeros that says so, or nothing.
    """

    def __init__(self, file: IO[bytes], check: Callable[[], None]) -> None:
        self._file = file
        self._check = check
        self._allowed = _HEADERS
        self.last = b""

    def allow(self, count: int) -> None:
        """Let ``count`` bytes be read from here on."""
        self._allowed = count

    def read(self, count: int = -1) -> bytes:
        """``count`` bytes, or fewer at the end."""
        self._check()
        self._allowed -= count
        if count < 0 or self._allowed < 0:
            raise DamagedError("its headers are too large")
        self.last = self._file.read(count)
        return self.last

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        return self._file.seek(position, whence)

    def tell(self) -> int:
        """The place."""
        return self._file.tell()

    def close(self) -> None:
        """Close the stream."""
        self._file.close()


def _opened(file: Path) -> IO[bytes]:
    with file.open("rb") as opened:
        head = opened.read(len(_XZ))
    if head.startswith(_GZIP):
        return cast(IO[bytes], gzip.open(file, "rb"))
    if head.startswith(_BZIP2):
        return cast(IO[bytes], bz2.open(file, "rb"))
    if head.startswith(_XZ):
        return cast(IO[bytes], lzma.open(file, "rb"))
    return file.open("rb")


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    def content() -> IO[bytes]:
        opened = tar.extractfile(member)
        if opened is None:
            raise DamagedError(f"{member.name!r} has no content")
        return opened

    return Entry(member.name, _kind(member), member.mode, member.size, float(member.mtime), member.linkname, content)


def _kind(member: tarfile.TarInfo) -> Kind:
    if member.isreg():
        return Kind.FILE
    if member.isdir():
        return Kind.FOLDER
    if member.issym():
        return Kind.SYMLINK
    return Kind.LINK if member.islnk() else Kind.OTHER
