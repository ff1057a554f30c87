"""Files that this service's account alone may read: made once, whole, and at no moment visible to others.

Two processes may want the same file at the same time: the first to link it into place wins, both then read
one content.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from identity.errors import Misconfigured

_PRIVATE = 0o600
_PUBLIC = 0o644
_LARGEST = 64 * 1024  # bytes


def create_private(path: Path, content: bytes) -> None:
    """Write a new file of mode 0600 with all of `content`; a file that is there already stays as it is.

    OSError.
    """
    temporary = _write_beside(path, content, _PRIVATE)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()
    _sync_folder(path.parent)


def replace_public(path: Path, content: bytes) -> None:
    """Write a file of mode 0644 in one step, instead of the one that may be there. OSError."""
    _write_beside(path, content, _PUBLIC).replace(path)
    _sync_folder(path.parent)


def replace_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 in one step, instead of the one that may be there. OSError."""
    _write_beside(path, content, _PRIVATE).replace(path)
    _sync_folder(path.parent)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Within this no other process that asks for the same is at work on the file at `path`. OSError.

    An empty file beside it is what they wait for each other by; the kernel frees it when one of them is killed.
    """
    with path.with_name(f".{path.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_private(path: Path, setting: str) -> bytes:
    """The content of a private file, at most 64 KB.

    Misconfigured, with `setting` as the setting: not there, not readable, no regular file, or others may read
    or write it.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Misconfigured(setting, f"{path} is not a regular file")
            if status.st_mode & 0o077:
                raise Misconfigured(setting, f"others may use {path}: give it mode 0600")
            return file.read(_LARGEST)
    except OSError as error:
        raise Misconfigured(setting, f"{path} cannot be read ({error.strerror})") from None


def _open_at_once(path: str, flags: int) -> int:
    # A named pipe in the file's place must not hold the service up.
    return os.open(path, flags | os.O_NONBLOCK)


def _write_beside(path: Path, content: bytes, mode: int) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # the umask may have taken bits away
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        temporary.unlink()
        raise
    return temporary


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
