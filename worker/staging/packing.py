"""Packs a directory of the job's home into a compressed tar archive.

The archive is a file in the scratch directory before it is sent: object stores take no upload of unknown size, a try that broke
is repeated without packing again, and its checksum is known when its link is asked for. Links are packed as links. What is no
file, directory or link is left out; what may not be read ends the packing, since an archive that lacks a result is worse than
none.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from pathlib import Path
from typing import IO, Any, Callable, Iterator, List, NamedTuple, Tuple, cast

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_LEVEL = 1
"""Of compression: the network is rarely slower than the higher ones."""
_KINDS = {stat.S_IFREG: tarfile.REGTYPE, stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE}


class Packed(NamedTuple):
    """An archive: its size in bytes, and its SHA-256, hexadecimal."""

    size: int
    sha256: str


def pack(folder: Path, top: str, archive: IO[bytes], check: Callable[[], None]) -> Packed:
    """Write an archive (.tar.gz) of ``folder``, which is called ``top`` in it, to ``archive``.

    ``check`` is called often and may raise to end this. The job's processes have ended: nothing changes meanwhile. Raises
    OSError.
    """
    written = Digesting(archive)
    with tarfile.open(fileobj=cast(IO[bytes], written), mode="w:gz", compresslevel=_LEVEL) as tar:
        for path, name in _walk(folder, top):
            check()
            _add(tar, path, name, check)
            cast(Any, tar).members.clear()  # or it remembers all of them
    return Packed(written.size, written.digest.hexdigest())


class Digesting:
    """A file that is written from its beginning to its end, and digested on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self.size = 0
        self.digest = hashlib.sha256()
        self._file = file

    def write(self, data: bytes) -> int:
        """Write all of ``data``."""
        self._file.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        """The bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Hand everything to the system."""
        self._file.flush()


class _Checked:
    """A file whose reading may be ended between two pieces."""

    def __init__(self, file: IO[bytes], check: Callable[[], None]) -> None:
        self._file = file
        self._check = check

    def read(self, count: int = -1) -> bytes:
        """The next bytes."""
        self._check()
        return self._file.read(count)


def _walk(folder: Path, name: str) -> Iterator[Tuple[Path, str]]:
    """A directory and all below it, each directory before what is in it; names as in the archive."""
    waiting = [(folder, name)]
    while waiting:
        path, name = waiting.pop()
        yield path, name
        if stat.S_ISDIR(path.lstat().st_mode):
            waiting += [(path / one, f"{name}/{one}") for one in sorted(_names(path), reverse=True)]


def _names(folder: Path) -> List[str]:
    return [entry.name for entry in folder.iterdir()]


def _add(tar: tarfile.TarFile, path: Path, name: str, check: Callable[[], None]) -> None:
    status = path.lstat()
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        return
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = kind, stat.S_IMODE(status.st_mode) & 0o777, int(status.st_mtime)
    if kind == tarfile.SYMTYPE:
        info.linkname = os.readlink(path)  # noqa: PTH115  (a Path would tidy the text)
    if kind != tarfile.REGTYPE:
        tar.addfile(info)
        return
    with os.fdopen(os.open(path, _FILE), "rb") as file:
        info.size = os.fstat(file.fileno()).st_size
        tar.addfile(info, cast(IO[bytes], _Checked(file, check)))
