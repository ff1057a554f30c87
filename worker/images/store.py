"""The store of unpacked images that the jobs of a worker share.

Several unprivileged users write to it, each in directories of its own below sticky ones, so no one can replace what
another unpacked; all can read everything. An entry's key comes from its content, so images with several names are kept once;
``names`` remembers which content a name stands for.

Races thought of:
- Jobs want one image at the same time: each key has a lock file. Who holds it fetches, the others wait and find what the first
  made. The kernel releases the lock of a job that is killed, and the next one begins anew: work goes on in a temporary
  directory, and only a whole entry is renamed into place.
- The worker's image keeper (condor_config/image_keeper.py) makes room: a job shares a lock of the directory of each image that
  it uses until its end, and the keeper deletes nothing that it cannot lock alone. The lock file's time is that of the last use.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, Iterator, List, Optional

from worker.images import locks
from worker.images.errors import ImageDiskError, ImageDiskFullError
from worker.images.source import Image

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_STICKY = 0o1777
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
CONTENT = "content"
"""Kind of the images that are named by the SHA-256 of their file."""


class Store:
    """The store in one directory, made where it is missing. A key and a name are file names.

    ``held`` gets the descriptors that keep images from being deleted; they close with the process.
    """

    def __init__(self, root: Path, held: List[int]) -> None:
        self._held = held
        self._locks = root / "locks"
        self._partial = root / "partial"
        self._entries = root / "images"
        self._names = root / "names"
        for directory in (root, self._locks, self._partial, self._entries, self._names):
            _make_shared(directory)

    def obtain(self, key: str, image: str, unpack: Callable[[Path], None]) -> Image:
        """The image under a key, held until the end; where there is none, ``unpack`` makes it in the directory it is given.

        A key is a kind, a hyphen, and the SHA-256 of what the image came from. ``unpack`` creates that directory. One job does
        it at a time, the others wait for it. ``image`` is for messages. Raises ImageDiskFullError, ImageDiskError and what
        ``unpack`` raises.
        """
        with disk_errors(image):
            made = False
            while True:
                found = self._hold(key)
                if found is not None:
                    return found._replace(cached=not made)
                with self._lock(key):
                    if not (self._entries / key).exists():
                        self._add(key, unpack)
                        made = True

    def obtain_named(self, name: str, image: str, fetch: Callable[[], str], unpack: Callable[[Path], None]) -> Image:
        """The image that a name is known to stand for; else that in the file that ``fetch`` brings and ``unpack`` unpacks.

        ``fetch`` returns the SHA-256 of the file, by which the image is kept: it may turn out to be there under another name.
        Otherwise as ``obtain``.
        """
        with disk_errors(image):
            known = self._known(name)
            if known is not None:
                return known
            with self._lock(name):
                known = self._known(name)
                if known is not None:
                    return known
                sha256 = fetch()
                found = self.obtain(f"{CONTENT}-{sha256}", image, unpack)
                self._remember(name, sha256)
                return found

    def _known(self, name: str) -> Optional[Image]:
        try:
            sha256 = (self._names / name).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return None
        return self._hold(f"{CONTENT}-{sha256}") if _SHA256.match(sha256) else None

    def _remember(self, name: str, sha256: str) -> None:
        partial = self._partial / f"{name}.{os.getpid()}"
        partial.write_text(sha256, encoding="ascii")
        with suppress(PermissionError):  # another user's, of an image that was deleted: the keeper will delete it, too
            partial.replace(self._names / name)
            return
        partial.unlink()

    def _hold(self, key: str) -> Optional[Image]:
        """The image under a key, which from here on nobody deletes."""
        entry = self._entries / key
        lock = locks.shared(entry)
        if lock is None:
            return None
        self._held.append(lock)
        with suppress(OSError):
            os.utime(self._lock_file(key))  # the images that were not used for longest go first
        return Image(entry / "rootfs", key.rpartition("-")[2], cached=True)

    def _add(self, key: str, unpack: Callable[[Path], None]) -> None:
        for leftover in self._partial.glob(f"{key}.*"):
            if leftover.stat().st_uid == os.getuid():
                remove_tree(leftover)
        import tempfile  # an image that is there does without

        partial = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=self._partial))
        try:
            unpack(partial / "rootfs")
            make_readable(partial)
            partial.rename(self._entries / key)
        except BaseException:
            remove_tree(partial)
            raise

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        descriptor = locks.alone(self._lock_file(key))
        try:
            yield
        finally:
            os.close(descriptor)

    def _lock_file(self, key: str) -> Path:
        return self._locks / f"{key}.lock"


@contextmanager
def disk_errors(image: str) -> Iterator[None]:
    """Turn what the file system refuses into ImageDiskFullError, or else ImageDiskError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ImageDiskFullError(image) from error
        raise ImageDiskError(image, error.strerror or str(error)) from error


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
    if directory.is_dir():
        return
    import tempfile

    directory.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".", dir=directory.parent))
    try:
        made.chmod(_STICKY)
        made.rename(directory)
    except OSError:
        made.rmdir()
        if not directory.is_dir():  # another job was quicker
            raise
