"""Archives a file or directory of the running job and puts it where its owner can fetch it.

The job goes on meanwhile: what changes under the reader's hands gives an archive of its size at the start, what vanishes is
left out. The job's processes may be hostile: no symbolic link is followed, neither on the way to the path nor below it; links
are archived as links, and what is no file, directory or link is left out.
"""

from __future__ import annotations

import errno
import http.client
import os
import stat
import tarfile
import tempfile
from contextlib import closing, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Callable, Iterator, Tuple
from urllib.parse import urlsplit

from worker.commands import CommandError
from worker.container import HOME

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY
_TIMEOUT = 60.0
_CHUNK = 1024 * 1024
_LONGEST_ANSWER = 512
_DEEPEST = 100
"""Levels of directories; each one is an open descriptor."""


class _Steady:
    """A file as long as it was said to be: zeros follow where it became shorter; ``check`` may end the reading."""

    def __init__(self, file: IO[bytes], check: Callable[[], None]) -> None:
        self._file = file
        self._check = check

    def read(self, length: int = -1) -> bytes:
        """``length`` bytes."""
        self._check()
        return self._file.read(length).ljust(max(length, 0), b"\0")


def take(path: str, home: Path, spare: Path, url: str, largest: int, check: Callable[[], None]) -> int:
    """Put an archive (.tar.gz) of ``path`` to ``url``; its size in bytes, ``largest`` at most.

    ``path`` is relative to the job's home, or absolute within it as the container sees it. The archive is made in the folder
    ``spare`` first, because stores want to know its size. ``check`` is called often and may raise to end this. Raises
    CommandError: there is no such path, no room, or the store did not take it.
    """
    parts = _parts(path)
    with tempfile.TemporaryFile(dir=spare) as archive:

        def checked() -> None:
            check()
            if archive.tell() > largest:
                raise CommandError("tooLarge", f"The archive of {path!r} is larger than {largest} bytes.")

        try:
            _pack(archive, home, parts, checked)
        except OSError as error:
            raise _failure(path, error) from error
        checked()
        size = archive.tell()
        archive.seek(0)
        _send(archive, size, url, check)
    return size


def _failure(path: str, error: OSError) -> CommandError:
    if error.errno == errno.ENOENT:
        return CommandError("noSuchPath", f"The job has no file or directory {path!r}.")
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return CommandError("noSuchPath", f"{path!r} leads over a symbolic link or a file: name the place itself.")
    return CommandError("notArchived", f"{path!r} could not be archived: {error.strerror or error}.")


def _parts(path: str) -> Tuple[str, ...]:
    """The path's parts below the home directory; none for the home directory itself."""
    pure = PurePosixPath(path)
    if pure.is_absolute():
        try:
            pure = pure.relative_to(HOME)
        except ValueError as error:
            raise CommandError("noSuchPath", f"{path!r} is not below the job's directory {HOME}.") from error
    if ".." in pure.parts or "\0" in path:
        raise CommandError("noSuchPath", f"{path!r} is not a path below the job's directory: leave '..' out.")
    return pure.parts


def _pack(archive: IO[bytes], home: Path, parts: Tuple[str, ...], check: Callable[[], None]) -> None:
    with _opened(home, _FOLDER, None) as top, tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
        folder = os.dup(top)
        try:
            for part in parts[:-1]:
                below = os.open(part, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = below
            if parts:
                if stat.S_ISLNK(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode):
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                _add(tar, folder, parts[-1], parts[-1], check)
            else:
                _add_all(tar, folder, "", check)
        finally:
            os.close(folder)


def _add(tar: tarfile.TarFile, folder: int, name: str, shown: str, check: Callable[[], None]) -> None:
    """Add the entry ``name`` of an open folder under the name ``shown``."""
    check()
    if shown.count("/") > _DEEPEST:
        raise CommandError("notArchived", f"The directory has more than {_DEEPEST} levels.")
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    info = tarfile.TarInfo(shown)
    info.mode, info.mtime = stat.S_IMODE(status.st_mode) & 0o777, int(status.st_mtime)
    if stat.S_ISLNK(status.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(name, dir_fd=folder)
        tar.addfile(info)
    elif stat.S_ISREG(status.st_mode):
        with _opened(name, _FILE, folder) as descriptor, open(descriptor, "rb", closefd=False) as file:
            info.size = os.fstat(descriptor).st_size
            tar.addfile(info, _Steady(file, check))
    elif stat.S_ISDIR(status.st_mode):
        with _opened(name, _FOLDER, folder) as below:
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
            _add_all(tar, below, f"{shown}/", check)


def _add_all(tar: tarfile.TarFile, folder: int, prefix: str, check: Callable[[], None]) -> None:
    for name in sorted(os.listdir(folder)):
        with suppress(FileNotFoundError, PermissionError):  # gone meanwhile, or closed even to the job itself
            _add(tar, folder, name, prefix + name, check)


@contextmanager
def _opened(name: "str | Path", flags: int, folder: "int | None") -> Iterator[int]:
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _send(archive: IO[bytes], size: int, url: str, check: Callable[[], None]) -> None:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
    try:
        with closing(kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)) as connection:
            connection.request("PUT", target, body=_chunks(archive, check), headers=headers)
            answer = connection.getresponse()
            said = answer.read(_LONGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise CommandError("notStored", f"The store could not be reached from the worker: {error}.") from error
    if not 200 <= answer.status < 300:
        detail = said.decode("utf-8", "replace").strip()
        raise CommandError("notStored", f"The store did not take the archive: {answer.status} {detail}")


def _chunks(archive: IO[bytes], check: Callable[[], None]) -> Iterator[bytes]:
    while data := archive.read(_CHUNK):
        check()
        yield data
