"""The store of unpacked images that the jobs of a worker share.

Several unprivileged users write to it, each in directories of its own below sticky ones, so no one can replace what
another unpacked; all can read everything. Races thought of: two jobs want one image (a lock for each key, the second
finds what the first made); a job is killed while it unpacks (work goes on in a temporary directory, and only a whole
entry is renamed into place; the leftovers go when the same user next unpacks that key).
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, Optional

from worker.errors import ImageDiskFullError
from worker.images.source import Image

_FULL = (errno.ENOSPC, errno.EDQUOT)
_STICKY = 0o1777


class Store:
    """The store in one directory, made where it is missing. A key is a file name."""

    def __init__(self, root: Path) -> None:
        self._locks = root / "locks"
        self._partial = root / "partial"
        self._entries = root / "images"
        for directory in (root, self._locks, self._partial, self._entries):
            _make_shared(directory)

    def find(self, key: str) -> Optional[Image]:
        """The image under a key, or None."""
        entry = self._entries / key
        try:
            sha256 = json.loads((entry / "image.json").read_bytes())["sha256"]
        except FileNotFoundError:
            return None
        return Image(entry / "rootfs", sha256, cached=True)

    def obtain(self, key: str, image: str, unpack: Callable[[Path], str]) -> Image:
        """The image under a key; where there is none, ``unpack`` makes it in the directory it is given.

        ``unpack`` creates that directory and returns the SHA-256 of what it unpacked. One job does it at a time, the
        others wait for it. ``image`` is for messages. Raises ImageDiskFullError and what ``unpack`` raises.
        """
        found = self.find(key)
        if found is not None:
            return found
        with self._lock(key), disk_errors(image):
            return self.find(key) or self._add(key, unpack)

    def _add(self, key: str, unpack: Callable[[Path], str]) -> Image:
        for leftover in self._partial.glob(f"{key}.*"):
            if leftover.stat().st_uid == os.getuid():
                remove_tree(leftover)
        partial = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=self._partial))
        try:
            sha256 = unpack(partial / "rootfs")
            (partial / "image.json").write_text(json.dumps({"sha256": sha256}) + "\n", encoding="utf-8")
            make_readable(partial)
            partial.rename(self._entries / key)
        except BaseException:
            remove_tree(partial)
            raise
        return Image(self._entries / key / "rootfs", sha256, cached=False)

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        descriptor = _open_lock(self._locks / f"{key}.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def disk_errors(image: str) -> Iterator[None]:
    """Turn "no space left" into ImageDiskFullError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ImageDiskFullError(image) from error
        raise


def make_readable(root: Path) -> None:
    """Let every user read a tree, and its owner change its directories. Symbolic links are left alone."""
    for name, directories, files in os.walk(root):
        directory = Path(name)
        for below in (directory / one for one in directories + files):
            mode = below.lstat().st_mode
            if stat.S_ISDIR(mode):
                below.chmod(stat.S_IMODE(mode) | 0o755)
            elif stat.S_ISREG(mode):
                below.chmod(stat.S_IMODE(mode) | (0o555 if mode & 0o111 else 0o444))
    root.chmod(0o755)


def remove_tree(root: Path) -> None:
    """Delete a tree of our own, also where its directories' permissions are in the way."""
    for name, directories, _ in os.walk(root):
        for directory in (Path(name) / one for one in directories):
            if not directory.is_symlink():
                directory.chmod(0o700)
    shutil.rmtree(root, ignore_errors=True)


def _make_shared(directory: Path) -> None:
    """Make a directory that every user may add to, from its first moment: another job may be about to."""
    umask = os.umask(0)
    try:
        directory.mkdir(mode=_STICKY, exist_ok=True)
    finally:
        os.umask(umask)


def _open_lock(path: Path) -> int:
    """A lock file open for reading, which is enough to lock it.

    The kernel may refuse to open another user's file in a sticky directory with O_CREAT, so that is only for a new one.
    """
    while True:
        try:
            return os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
            except FileExistsError:
                continue
