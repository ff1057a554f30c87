"""One command at a time on a folder: who comes second waits, and whoever is killed lets go."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy.errors import DeployError

_PATIENCE = 3600.0


@contextlib.contextmanager
def alone(folder: Path, say: Callable[[str], None], patience: float = _PATIENCE) -> Iterator[int]:
    """Holds `folder` (made when it is not there) and gives the lock's descriptor; a child that inherits it holds it too.

    While another holds it, `say` is told once. Raises DeployError after `patience` seconds, and where the folder cannot
    be made or opened.
    """
    deadline = time.monotonic() + patience
    descriptor = _taken(folder)
    try:
        if descriptor is None:
            say(f"waiting for another command that works in {folder}")
        while descriptor is None:
            if time.monotonic() > deadline:
                raise DeployError(f"Another command still works in {folder}: end it, then run this one again.")
            time.sleep(0.05)
            descriptor = _taken(folder)
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _taken(folder: Path) -> int | None:
    """The locked folder, or None while another has it."""
    descriptor = _opened(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last holder may have deleted it: a lock on a folder that has no name any more excludes nobody.
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _opened(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise unusable(folder, error) from error


def unusable(folder: Path, error: OSError) -> DeployError:
    """What to say of a folder that cannot be made or written."""
    return DeployError(
        f"The folder {folder} cannot be used ({error.strerror}): make it yours, or choose another with PROMINENCE_HOME "
        "or PROMINENCE_CACHE."
    )
