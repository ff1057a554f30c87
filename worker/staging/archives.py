"""Unpacks an archive below the job's home, entry by entry, and refuses what an archive of strangers may try.

It may be hostile: names and links that lead out, devices, setuid bits, sizes that fill the disk, headers that
fill the memory. What was unpacked before the refusal stays: the job fails and its scratch directory goes.
"""

from __future__ import annotations

import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Callable, Iterator, Tuple

from worker.staging import tarballs, zips
from worker.staging.entries import Entry, Kind, check_target, inside, permissions
from worker.staging.errors import ArtifactCorruptError, ArtifactUnsafeError
from worker.staging.room import Room, writing
from worker.staging.terms import CHUNK
from worker.staging.tree import Tree, set_time

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
ZIPS = (".zip",)
_DAMAGED = (
    tarballs.DamagedError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ArithmeticError,
    LookupError,
    RuntimeError,  # also RecursionError, and NotImplementedError for a compression that is not known
    ValueError,
)
"""What the readers of archives raise over bytes that make no sense."""


def is_archive(filename: str) -> bool:
    """Whether a file is unpacked: its name says so, because files of other kinds are zip archives too."""
    return filename.lower().endswith(TARS + ZIPS)


def unpack(
    artifact: str,
    filename: str,
    file: Path,
    home: Path,
    room: Room,
    check: Callable[[], None],
    below: Tuple[str, ...] = (),
) -> None:
    """Unpack ``file``, whose name says its kind, in the directory ``below`` of ``home``, out of which nothing in it leads.

    ``artifact`` is for messages, ``check`` may end it.

    Raises ArtifactError.
    """
    reader = zips.entries(file) if filename.lower().endswith(ZIPS) else tarballs.entries(file, check)
    with (
        writing(artifact),
        closing(Tree(home, lambda: room.take(artifact, 0), below)) as tree,
        closing(reader),
        _sound(artifact),
    ):
        for entry in reader:
            check()
            _place(artifact, entry, tree, room, check)


@contextmanager
def _sound(artifact: str) -> Iterator[None]:
    """Turn what is raised over damaged bytes into ArtifactCorruptError."""
    try:
        yield
    except _DAMAGED as error:
        raise ArtifactCorruptError(artifact, str(error) or "it ends too early") from error


def _place(artifact: str, entry: Entry, tree: Tree, room: Room, check: Callable[[], None]) -> None:
    parts = inside(artifact, entry.name, entry.name)
    room.take(artifact, entry.size)
    if entry.kind is Kind.OTHER:
        raise ArtifactUnsafeError(artifact, entry.name, "is no file, directory or link")
    if entry.kind is Kind.FOLDER:
        if parts:  # else it is the home itself, whose permissions are not the archive's business
            tree.folder(parts, permissions(entry.mode) | 0o700)
        return
    if not parts:
        raise ArtifactUnsafeError(artifact, entry.name, "has no name")
    if entry.kind is Kind.SYMLINK:
        check_target(artifact, entry.name, parts, entry.target)
        tree.symlink(parts, entry.target)
    elif entry.kind is Kind.LINK:
        existing = inside(artifact, entry.name, entry.target)
        if not existing:
            raise ArtifactUnsafeError(artifact, entry.name, "is a link to no file")
        tree.link(parts, existing)
    else:
        _write(entry, parts, tree, check)


def _write(entry: Entry, parts: Tuple[str, ...], tree: Tree, check: Callable[[], None]) -> None:
    with entry.open() as content, os.fdopen(tree.file(parts, permissions(entry.mode) | 0o600), "wb") as written:
        _copy(entry, content, written, check)
        written.flush()
        set_time(written.fileno(), entry.time)


def _copy(entry: Entry, content: IO[bytes], written: IO[bytes], check: Callable[[], None]) -> None:
    size = 0
    while data := content.read(CHUNK):
        check()
        written.write(data)
        size += len(data)
    if size != entry.size:
        raise tarballs.DamagedError(f"{entry.name!r} in it has {size} of {entry.size} bytes")
