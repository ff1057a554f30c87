"""The layout of a job's scratch directory, and files made safely below a directory.

Containers see ``home`` and the two temporary directories below ``work``, never the scratch directory itself: the job's
description, its token, images and logs stay out of their sight. A task may leave symbolic links in ``home``, so
nothing there is opened by following one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Tuple

from worker.errors import StagingError

_RESERVE = 256 * 1024


class Scratch(NamedTuple):
    """Where things are in the scratch directory ``root``."""

    root: Path

    @property
    def job_file(self) -> Path:
        """The job's description."""
        return self.root / "job.json"

    @property
    def token_file(self) -> Path:
        """The job's token."""
        return self.root / "token"

    @property
    def report_file(self) -> Path:
        """What the executor tells the service."""
        return self.root / "report.json"

    @property
    def log_file(self) -> Path:
        """The executor's own log."""
        return self.root / "executor.log"

    @property
    def home(self) -> Path:
        """The home directory of the job's containers."""
        return self.root / "home"

    @property
    def work(self) -> Path:
        """Below it the runtime keeps the containers' ``/tmp`` and ``/var/tmp``."""
        return self.root / ".work"

    @property
    def tools(self) -> Path:
        """Configuration, temporary files and downloads of the runtime; nothing that outlives the job."""
        return self.root / ".tools"

    @property
    def images(self) -> Path:
        """The image cache of a worker that has no shared one."""
        return self.root / ".images"

    @property
    def reserve(self) -> Path:
        """Space that is kept for the last report: tasks may fill the disk."""
        return self.root / ".reserve"

    def give_up_reserve(self) -> None:
        """Let the last report have the space that was kept for it."""
        with suppress(OSError):
            self.reserve.unlink()

    def create(self) -> None:
        """Make what every job needs: its directories, and the reserve. Raises StagingError."""
        for directory in (self.home, self.work, self.tools):
            try:
                directory.mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise StagingError(directory.name, _reason(error)) from error
        try:
            self.reserve.write_bytes(bytes(_RESERVE))
        except OSError as error:
            raise StagingError(self.reserve.name, _reason(error)) from error


def relative_parts(name: str) -> Tuple[str, ...]:
    """The parts of a relative file name that stays below where it starts. Raises StagingError."""
    path = PurePosixPath(name)
    if path.is_absolute():
        raise StagingError(name, "its name must be relative to the job's home directory")
    if not path.parts or ".." in path.parts or name.endswith("/") or "\0" in name:
        raise StagingError(name, "its name must be that of a file below the job's home directory")
    return path.parts


def create_below(root: Path, name: str, mode: int = 0o644) -> int:
    """Create or empty the file ``name`` below ``root``, with the directories on its way; a descriptor open for writing.

    Symbolic links on the way are refused. The permissions are ``mode``, whatever the umask. Raises StagingError.
    """
    parts = relative_parts(name)
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            directory = _enter(directory, part)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(parts[-1], flags, mode, dir_fd=directory)
        os.fchmod(descriptor, mode)
        os.set_blocking(descriptor, True)
    except OSError as error:
        raise StagingError(name, _reason(error)) from error
    finally:
        os.close(directory)
    return descriptor


def _enter(directory: int, part: str) -> int:
    """The directory ``part`` in an open ``directory``, made where it is missing; closes ``directory`` on success."""
    with suppress(FileExistsError):
        os.mkdir(part, 0o755, dir_fd=directory)
    entered = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
    os.close(directory)
    return entered


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
