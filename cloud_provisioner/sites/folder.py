"""The folder of descriptions as it is on disk: what stands in it, and what a file holds. The only I/O of this package.

A named pipe, a device or a folder in a file's place holds nothing up; a file that changes while it is read is noticed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cloud_provisioner.sites.catalogue import BESIDE, Content, Unreadable
from cloud_provisioner.sites.text import LARGEST

MOST_FILES = 1000
"""Files of a folder at most."""
_SUFFIXES = (".yaml", ".yml")
_MAY_NOT = "let the account that runs this read it"
_REMEDIES = {
    errno.EACCES: _MAY_NOT,
    errno.EPERM: _MAY_NOT,
    errno.EFBIG: "take files away",
    errno.ELOOP: "put a file in the place of the link, which leads to itself",
    errno.ENOENT: "correct the path or the link",
    errno.ENOTDIR: "correct the path",
}

Signature = tuple[int, ...]
"""Changes with each change of a file: device, inode, mode, size in bytes, and times in ns; or the number of an error."""


def listing(folder: Path) -> dict[str, Signature]:
    """The descriptions in a folder, by path. OSError: the folder cannot be listed, or not to its end."""
    found: dict[str, Signature] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if describes(entry.name):
                file = str(folder / entry.name)
                found[file] = _looked_at(file)
    if len(found) > MOST_FILES:
        raise OSError(errno.EFBIG, f"more than {MOST_FILES} descriptions")
    return found


def describes(name: str) -> bool:
    """Whether a file of this name is read: `*.yaml`, `*.yml` and the names in BESIDE, but no hidden one."""
    return not name.startswith(".") and (name.endswith(_SUFFIXES) or name in BESIDE)


def read(file: str) -> tuple[Content, Signature]:
    """What a file holds, and its signature after it was read."""
    try:
        with open(file, "rb", opener=_open_at_once) as source:
            if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                return Unreadable("is not a regular file: put a YAML file in its place"), _looked_at(file)
            content = source.read(LARGEST + 1)
            return content, _signature(os.fstat(source.fileno()))
    except OSError as error:
        return Unreadable(f"cannot be read ({error.strerror}): {remedy(error)}"), _looked_at(file)


def remedy(error: OSError) -> str:
    """What to do about a file or folder of which the system says this."""
    return _REMEDIES.get(error.errno or 0, "mend what the system says of it")


def beside(folder: Path) -> Iterator[str]:
    """The files of a folder that stand beside EGI's descriptions."""
    for name in sorted(BESIDE):
        if os.path.lexists(folder / name):  # a link that leads nowhere is a problem as well
            yield str(folder / name)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _looked_at(file: str) -> Signature:
    try:
        return _signature(os.stat(file))  # noqa: PTH116 - a path as text, a thousand times a second
    except OSError as error:
        return (error.errno or 0,)


def _signature(status: os.stat_result) -> Signature:
    return (status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
