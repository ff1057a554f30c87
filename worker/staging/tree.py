"""Puts entries of archives below a directory, none of them through a symbolic link.

Entries come in the order of an archive, so the directory of the last one is kept open. A later entry takes the place of an
earlier one of its name; a directory is never replaced.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, Optional, Tuple, TypeVar

T = TypeVar("T")
Parts = Tuple[str, ...]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_LATEST = 2.0**40


class Tree:
    """The directory ``below`` of ``root``, which is open until ``close``. All methods raise OSError.

    ``made`` is told before each directory is made and may raise.
    """

    def __init__(self, root: Path, made: Callable[[], None] = lambda: None, below: Parts = ()) -> None:
        self._made = made
        self._root = os.open(root, _FOLDER)
        for part in below:
            self._root = self._enter(self._root, part)
        self._at: Optional[Parts] = None
        self._folder = -1

    def close(self) -> None:
        """Let go of the directories."""
        if self._at is not None:
            os.close(self._folder)
            self._at = None
        os.close(self._root)

    def folder(self, parts: Parts, mode: int) -> None:
        """Make a directory with the permissions ``mode``, or give an existing one these."""
        os.fchmod(self._inside(parts), mode)

    def file(self, parts: Parts, mode: int) -> int:
        """A new file's descriptor, open for writing; its permissions are ``mode``, whatever the umask."""
        parent = self._inside(parts[:-1])
        descriptor = _replacing(lambda: os.open(parts[-1], _NEW_FILE, 0o600, dir_fd=parent), parts[-1], parent)
        try:
            os.fchmod(descriptor, mode)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def symlink(self, parts: Parts, target: str) -> None:
        """Make a symbolic link to ``target`` as it stands."""
        parent = self._inside(parts[:-1])
        _replacing(lambda: os.symlink(target, parts[-1], dir_fd=parent), parts[-1], parent)

    def link(self, parts: Parts, existing: Parts) -> None:
        """Give the entry ``existing`` of the tree another name. Where it is a symbolic link, the link itself."""
        source = os.dup(self._inside(existing[:-1]))
        try:
            parent = self._inside(parts[:-1])
            if parts == existing:
                return

            def make() -> None:
                os.link(existing[-1], parts[-1], src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)

            _replacing(make, parts[-1], parent)
        finally:
            os.close(source)

    def take(self, file: Path, parts: Parts, mode: int) -> None:
        """Move a file of the same file system into the tree."""
        file.chmod(mode)
        os.rename(file, parts[-1], dst_dir_fd=self._inside(parts[:-1]))

    def _inside(self, parts: Parts) -> int:
        """The descriptor of a directory, which is made where it is missing; good until the next call."""
        if not parts:
            return self._root
        if parts != self._at:
            folder = os.dup(self._root)
            for part in parts:
                folder = self._enter(folder, part)
            if self._at is not None:
                os.close(self._folder)
            self._at, self._folder = parts, folder
        return self._folder

    def _enter(self, folder: int, part: str) -> int:
        """The directory ``part`` in an open one, made where it is missing; ``folder`` is closed."""
        try:
            try:
                return os.open(part, _FOLDER, dir_fd=folder)
            except FileNotFoundError:
                self._made()
                os.mkdir(part, 0o755, dir_fd=folder)
                return os.open(part, _FOLDER, dir_fd=folder)
        finally:
            os.close(folder)


def set_time(descriptor: int, seconds: float) -> None:
    """Set a file's time of change, unless it is out of all reason. Raises OSError."""
    if 0 <= seconds < _LATEST:
        os.utime(descriptor, (seconds, seconds))


def _replacing(make: Callable[[], T], name: str, folder: int) -> T:
    """What ``make`` gives, after another entry of that name was removed if need be."""
    try:
        return make()
    except FileExistsError:
        os.unlink(name, dir_fd=folder)
        return make()
