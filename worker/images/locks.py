"""Locks between the jobs of a worker and its image keeper, which the kernel takes back when their holder is killed.

What is locked may be deleted by who holds it alone, so whoever has locked something looks whether it is still there.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Optional


def alone(path: Path) -> int:
    """A descriptor that holds the lock file at ``path``, made where it is missing; it is waited for. Raises OSError."""
    while True:
        descriptor = _locked(_open(path), fcntl.LOCK_EX)
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)


def shared(directory: Path) -> Optional[int]:
    """A descriptor that keeps a directory from who would lock it alone; None where it is not there. Raises OSError."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    descriptor = _locked(descriptor, fcntl.LOCK_SH)
    if _is_at(descriptor, directory):
        return descriptor
    os.close(descriptor)
    return None


def _locked(descriptor: int, how: int) -> int:
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _open(path: Path) -> int:
    """A lock file open for reading, which is enough to lock it; everybody may set its time of use.

    The kernel may refuse to open another user's file in a sticky directory with O_CREAT, so that is only for a new one.
    """
    while True:
        try:
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            except FileExistsError:
                continue
            os.fchmod(descriptor, 0o666)
            os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
