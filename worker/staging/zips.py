"""The entries of a zip archive, one after the other.

`zipfile` keeps the archive's list of contents in memory, so its size is bounded; sizes of entries are what that list says, and
no entry gives more.
"""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import IO, Generator, cast

from worker.staging.entries import Entry, Kind
from worker.staging.tarballs import DamagedError

_LIST = 16 * 1024 * 1024
_LONGEST_TARGET = 4096
_UNIX = 3
_ENCRYPTED = 1
_KINDS = {0: Kind.FILE, stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.FOLDER, stat.S_IFLNK: Kind.SYMLINK}


def entries(file: Path) -> Generator[Entry, None, None]:
    """The archive's entries. Raises DamagedError and whatever `zipfile` and the decompressors raise over damaged bytes."""
    with file.open("rb") as opened, zipfile.ZipFile(cast(IO[bytes], _Bounded(opened))) as archive:
        for info in archive.infolist():
            if info.flag_bits & _ENCRYPTED:
                raise DamagedError(f"{info.filename!r} in it is encrypted")
            yield _entry(archive, info)


class _Bounded:
    """A file of which no piece is read that is too large for an archive's list of contents."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, count: int = -1) -> bytes:
        """``count`` bytes, or all that are left."""
        if count > _LIST:
            raise DamagedError(f"its list of contents has more than {_LIST} bytes, for which a tar archive is better")
        return self._file.read(count)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    kind = Kind.FOLDER if info.is_dir() else _KINDS.get(stat.S_IFMT(mode), Kind.OTHER)
    target = ""
    if kind is Kind.SYMLINK:
        with archive.open(info) as opened:
            target = opened.read(_LONGEST_TARGET + 1).decode("utf-8", "surrogateescape")

    def content() -> IO[bytes]:
        return archive.open(info)

    mode = stat.S_IMODE(mode) or (0o755 if kind is Kind.FOLDER else 0o644)
    return Entry(info.filename, kind, mode, info.file_size, -1.0, target, content)
