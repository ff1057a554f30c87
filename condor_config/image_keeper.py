#!/usr/bin/python3 -IS
"""Keeps the worker's store of images (worker/images/store.py) within its bounds: deletes those not used for longest.

`image_keeper.py FOLDER --percent 50 --free-percent 10 [--log FILE] [--once]`: images may take 50 % of the folder's file system,
and fewer while less than 10 % of it is free. A daemon of the condor_master's; with `--once` it makes room now, for operators
(`--percent 0 --once` deletes every image that no running job uses).

It runs as root: the images belong to the accounts of the slots, none of which may delete another's. So nothing in the store is
believed. The directories become this account's, whoever made them; below them nothing is opened through a symbolic link, and
what is to go is moved into a folder that no job can reach, and deleted there.

Races thought of: a job begins to use an image at this moment (jobs share a lock of its directory, deleting needs it alone, and
who has locked it looks whether it is still there); a job was killed
while it fetched one (its lock is free, so what it left goes); this program is killed anywhere (the next round finds what is
left, in the store or among what was moved).
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import logging.handlers
import os
import stat
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

INTERVAL = 5.0
"""Seconds between two rounds."""
OLD_LOCK = 3600.0
"""Seconds after which the lock of an image that is not there goes."""
_SHARED = ("locks", "partial", "images", "names")
_TRASH = "trash"
_PATIENCE = 3600
_LOG_SIZE = 1 << 20
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

log = logging.getLogger("image_keeper")


class Bounds(NamedTuple):
    """Percent of the file system that images may take at most, and that is to stay free."""

    percent: int
    free_percent: int


class Keeper:
    """The keeper of the store in one folder. Raises OSError where that cannot be had."""

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self._folder = folder
        self._bounds = bounds
        self._sizes: dict[str, tuple[int, int]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.fchown(self._root, os.getuid(), os.getgid())
        os.fchmod(self._root, 0o1777)
        self._shared = {name: _take_over(self._root, name, 0o1777) for name in _SHARED}
        self._trash = _take_over(self._root, _TRASH, 0o700)

    def round(self, now: float) -> None:
        """Look once and delete what is to go; ``now`` in epoch seconds. Safe to repeat."""
        self._empty_trash()
        self._sweep_partial()
        self._make_room()
        self._sweep_names()
        self._sweep_locks(now)

    def _make_room(self) -> None:
        sizes = self._measure()
        disk = os.fstatvfs(self._root)
        whole, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
        surplus = max(
            sum(sizes.values()) - whole * self._bounds.percent // 100, whole * self._bounds.free_percent // 100 - free
        )
        for key in sorted(sizes, key=self._last_use):
            if surplus <= 0:
                return
            if self._discard("images", key, self._unused(key)):
                log.info("deleted the image %s, %d bytes", key, sizes[key])
                surplus -= sizes[key]

    def _measure(self) -> dict[str, int]:
        """Bytes of each image. One that is there does not change, so each is measured once."""
        before, self._sizes = self._sizes, {}
        for key in _names(self._shared["images"]):
            with suppress(OSError):
                inode = os.stat(key, dir_fd=self._shared["images"], follow_symlinks=False).st_ino
                known = before.get(key)
                self._sizes[key] = known if known and known[0] == inode else (inode, self._size(key))
        return {key: size for key, (_, size) in self._sizes.items()}

    def _size(self, key: str) -> int:
        total = 0.0
        for _, _, names, directory in os.fwalk(key, dir_fd=self._shared["images"]):
            for name in (".", *names):
                with suppress(OSError):
                    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
                    # Of a file with several names in the tree, each counts a part.
                    links = 1 if stat.S_ISDIR(status.st_mode) else max(1, status.st_nlink)
                    total += status.st_blocks * 512 / links
        return int(total)

    def _last_use(self, key: str) -> float:
        for folder, name in (("locks", f"{key}.lock"), ("images", key)):
            with suppress(OSError):
                return os.stat(name, dir_fd=self._shared[folder], follow_symlinks=False).st_mtime
        return 0.0

    def _sweep_partial(self) -> None:
        for name in _names(self._shared["partial"]):
            if self._discard("partial", name, self._lock(f"{name.partition('.')[0]}.lock")):
                log.info("deleted %s, which a job left half-made", name)

    def _sweep_names(self) -> None:
        """Forget names of images that are gone."""
        images = set(_names(self._shared["images"]))
        for name in _names(self._shared["names"]):
            with suppress(OSError):
                if f"content-{_read(name, self._shared['names'])}" not in images:
                    self._move_to_trash("names", name)
        self._empty_trash()

    def _sweep_locks(self, now: float) -> None:
        used = {*_names(self._shared["images"]), *_names(self._shared["names"])}
        for name in _names(self._shared["locks"]):
            key = name[: -len(".lock")] if name.endswith(".lock") else name
            if key not in used and now - self._last_use(key) > OLD_LOCK:
                lock = self._lock(name)
                if lock is not None:
                    with suppress(OSError):
                        os.unlink(name, dir_fd=self._shared["locks"])
                    os.close(lock)

    def _discard(self, folder: str, name: str, lock: int | None) -> bool:
        """Delete what is in a folder, if there is a ``lock`` on it, a descriptor; whether it is gone."""
        if lock is None:
            return False
        try:
            self._move_to_trash(folder, name)
        except OSError as error:
            log.warning("%s in %s cannot be moved: %s", name, folder, error)
            return False
        finally:
            os.close(lock)
        self._empty_trash()
        return True

    def _move_to_trash(self, folder: str, name: str) -> None:
        target = f"{time.monotonic_ns()}"
        os.rename(name, target, src_dir_fd=self._shared[folder], dst_dir_fd=self._trash)

    def _empty_trash(self) -> None:
        doomed = [str(self._folder / _TRASH / name) for name in _names(self._trash)]
        if doomed:
            # Not by Python, for trees may be deeper than it recurses. To others than root directories may be closed.
            if os.getuid():
                subprocess.run(["chmod", "-R", "u+rwx", "--", *doomed], timeout=_PATIENCE, check=False)
            subprocess.run(["rm", "-rf", "--one-file-system", "--", *doomed], timeout=_PATIENCE, check=False)

    def _unused(self, key: str) -> int | None:
        """A lock on an image that no job uses; None where one does."""
        try:
            return _alone(os.open(key, _OPEN, dir_fd=self._shared["images"]))
        except OSError:
            return os.dup(self._root)  # a link, a socket: no job uses what cannot be opened

    def _lock(self, name: str) -> int | None:
        """A lock on what is or would be made under a key; None where a job holds it."""
        folder = self._shared["locks"]
        try:
            with suppress(FileExistsError):
                made = os.open(name, _OPEN | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=folder)
                os.fchmod(made, 0o666)
                os.close(made)
            return _alone(os.open(name, _OPEN, dir_fd=folder))
        except OSError:
            return None


def _alone(descriptor: int) -> int | None:
    """The open file or directory, locked; None, and closed, where somebody else has locked it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _take_over(root: int, name: str, mode: int) -> int:
    """The directory ``name`` in an open one, made where it is missing, now of this account; what is no directory goes."""
    while True:
        with suppress(OSError):
            made = f".{name}.{os.getpid()}"
            os.mkdir(made, 0o700, dir_fd=root)
            os.chmod(made, mode, dir_fd=root)
            try:
                os.rename(
                    made, name, src_dir_fd=root, dst_dir_fd=root
                )  # jobs find it with its permissions, or not at all
            except OSError:
                os.rmdir(made, dir_fd=root)
        try:
            directory = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
        except NotADirectoryError:
            os.unlink(name, dir_fd=root)
            continue
        os.fchown(directory, os.getuid(), os.getgid())
        os.fchmod(directory, mode)
        return directory


def _names(folder: int) -> list[str]:
    """What is in an open directory."""
    return os.listdir(folder)


def _read(name: str, folder: int) -> str:
    descriptor = os.open(name, _OPEN, dir_fd=folder)
    try:
        return os.read(descriptor, 256).decode("ascii", "replace")
    finally:
        os.close(descriptor)


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(description="Deletes images of a worker that were not used for longest.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--percent", type=int, required=True, help="share of the file system that images may take")
    parser.add_argument("--free-percent", type=int, default=0, help="share of the file system that is to stay free")
    parser.add_argument("--log", type=Path, help="where to say what was deleted; else the standard error")
    parser.add_argument("--once", action="store_true", help="look once and end")
    given = parser.parse_args(arguments)
    handler: logging.Handler = logging.StreamHandler()
    if given.log:
        handler = logging.handlers.RotatingFileHandler(given.log, maxBytes=_LOG_SIZE, backupCount=1)
    logging.basicConfig(handlers=[handler], level=logging.INFO, format="%(asctime)s %(message)s")
    keeper = Keeper(given.folder, Bounds(given.percent, given.free_percent))
    while True:
        keeper.round(time.time())
        if given.once:
            return 0
        time.sleep(INTERVAL)


if __name__ == "__main__":
    raise SystemExit(main())
