"""An entry of an archive, whatever the archive's kind, and which entries are let into a job's home."""

from __future__ import annotations

from enum import Enum
from pathlib import PurePosixPath
from typing import IO, Callable, NamedTuple, Tuple

from worker.staging.errors import ArtifactUnsafeError

_LONGEST_TARGET = 4096
_DEEPEST = 100


class Kind(Enum):
    """What an entry is; all that is nothing else is OTHER, and not unpacked."""

    FILE = "file"
    FOLDER = "directory"
    SYMLINK = "symbolic link"
    LINK = "hard link"
    OTHER = "other"


class Entry(NamedTuple):
    """One entry: ``size`` in bytes, ``time`` of change in epoch seconds (negative: unknown), the ``target`` of a link.

    ``open`` gives the content of a file; it is read before the next entry is asked for.
    """

    name: str
    kind: Kind
    mode: int
    size: int
    time: float
    target: str
    open: Callable[[], IO[bytes]]


def inside(artifact: str, entry: str, name: str) -> Tuple[str, ...]:
    """The parts of a name below the directory of unpacking; none for that directory. Raises ArtifactUnsafeError."""
    path = PurePosixPath(name)
    if path.is_absolute():
        raise ArtifactUnsafeError(artifact, entry, "has an absolute name")
    if ".." in path.parts:
        raise ArtifactUnsafeError(artifact, entry, "has '..' in its name")
    if "\0" in name:
        raise ArtifactUnsafeError(artifact, entry, "has a NUL character in its name")
    if len(path.parts) > _DEEPEST:
        raise ArtifactUnsafeError(artifact, f"{entry[:_DEEPEST]}...", f"has more than {_DEEPEST} levels")
    return path.parts


def check_target(artifact: str, entry: str, parts: Tuple[str, ...], target: str) -> None:
    """Raise ArtifactUnsafeError where a symbolic link at ``parts`` could lead out of the directory of unpacking.

    The directories on the way to a link are none themselves. So ``..`` at the beginning of its target climb as many real
    directories, and what follows only goes down, be it over links for which the same holds.
    """
    path = PurePosixPath(target)
    if path.is_absolute():
        raise ArtifactUnsafeError(artifact, entry, f"is a link to the absolute path {target!r}")
    ups = 0
    while ups < len(path.parts) and path.parts[ups] == "..":
        ups += 1
    if ups > len(parts) - 1:
        raise ArtifactUnsafeError(artifact, entry, "is a link that leads out of the job's home")
    if ".." in path.parts[ups:]:
        raise ArtifactUnsafeError(artifact, entry, f"is a link to {target!r}, with '..' after a name")
    if not target or "\0" in target or len(target) > _LONGEST_TARGET:
        raise ArtifactUnsafeError(artifact, entry, "is a link without a usable target")


def permissions(mode: int) -> int:
    """Permissions that are taken over: no setuid, setgid or sticky bits, nothing that lets others write."""
    return mode & 0o755
