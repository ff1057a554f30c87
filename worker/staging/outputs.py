"""Stores what the job was to leave behind, after its last task, also after one that failed.

A file is stored under its name below the job's home, a directory as an archive under its name and ".tgz". One output that is
missing or refused does not keep the others from being stored; a service that cannot be reached does.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from worker.scratch import Scratch
from worker.staging import packing, paths
from worker.staging.errors import (
    OutputDiskFullError,
    OutputError,
    OutputMissingError,
    OutputNetworkError,
    OutputRefusedError,
)
from worker.staging.terms import Terms
from worker.staging.upload import Output, Service, store

_ARCHIVE = ".tgz"
_WHOLE_HOME = "home"
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MOST_FAILURES = 20
"""Outputs refused before the others are not tried any more."""


class Stored(NamedTuple):
    """An output in the store: its name there, bytes, SHA-256 in hexadecimal, seconds that storing it took."""

    name: str
    size: int
    sha256: str
    time: float

    def document(self) -> Dict[str, Any]:
        """The record as it stands in the report."""
        return {"name": self.name, "size": self.size, "sha256": self.sha256, "time": round(self.time, 3)}


class Wanted(NamedTuple):
    """What the job's description lists: names and patterns of files, names of directories."""

    files: Sequence[str]
    folders: Sequence[str]


class Stage(NamedTuple):
    """What storing has around it; ``records`` gets an entry for each output that is stored, ``clock`` counts seconds."""

    scratch: Scratch
    service: Service
    terms: Terms
    records: List[Stored]
    clock: Callable[[], float]


def stage(wanted: Wanted, this: Stage) -> Optional[OutputError]:
    """Store all outputs that are there; what is to be said about those that are not, if any.

    That is one error for all that are missing, unless something worse happened: then the first such error.
    """
    missing: List[str] = []
    worse: List[OutputError] = []
    names: Set[str] = set()
    for output, put in _outputs(wanted):
        try:
            put(output, this, names)
        except OutputMissingError as error:
            missing += error.outputs
        except OutputNetworkError as error:
            worse.insert(0, error)
            break
        except OutputError as error:
            this.terms.log(error.message)
            worse.append(error)
            if len(worse) >= _MOST_FAILURES:
                break
    if worse:
        return worse[0]
    return OutputMissingError(missing) if missing else None


_Put = Callable[[str, Stage, Set[str]], None]


def _outputs(wanted: Wanted) -> Iterator[Tuple[str, _Put]]:
    for output in wanted.files:
        yield output, _put_files
    for output in wanted.folders:
        yield output, _put_folder


def _put_files(output: str, this: Stage, names: Set[str]) -> None:
    """Store the files of one name or pattern, each once."""
    for parts in paths.matches(this.scratch.home, output):
        name = "/".join(parts)
        if name in names:
            continue
        place = paths.resolve(this.scratch.home, parts, name)
        begun = this.clock()
        this.terms.turned_to(name)
        with _readable(name, this.scratch.home.joinpath(*place)) as descriptor:
            size = os.fstat(descriptor).st_size
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                sha256 = store(Output(name, name, file, size), this.service, this.terms)
        names.add(name)
        this.records.append(Stored(name, size, sha256, this.clock() - begun))


def _put_folder(output: str, this: Stage, names: Set[str]) -> None:
    """Store an archive of one directory."""
    parts = paths.below_home(output)
    place = this.scratch.home.joinpath(*paths.resolve(this.scratch.home, parts, output))
    name = ("/".join(parts) or _WHOLE_HOME) + _ARCHIVE
    if not stat.S_ISDIR(place.lstat().st_mode):
        raise OutputRefusedError(output, "it is no directory; name it in outputFiles")
    if name in names:
        raise OutputRefusedError(output, f"another output is stored as {name!r} already; give it another name")
    begun = this.clock()
    this.terms.turned_to(output)
    with tempfile.TemporaryFile(dir=this.scratch.tools) as archive:
        with _packing(output):
            packed = packing.pack(place, parts[-1] if parts else _WHOLE_HOME, archive, this.terms.check)
        made = Output(name, output, archive, packed.size, packed.sha256)
        sha256 = store(made, this.service, this.terms)
    names.add(name)
    this.records.append(Stored(name, packed.size, sha256, this.clock() - begun))


@contextmanager
def _readable(output: str, path: Path) -> Iterator[int]:
    """A file's descriptor. Raises OutputRefusedError for what is none, or may not be read."""
    try:
        descriptor = os.open(path, _FILE)
    except OSError as error:
        raise OutputRefusedError(output, f"it cannot be read: {error.strerror}") from error
    try:
        kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
        if kind == stat.S_IFDIR:
            raise OutputRefusedError(output, "it is a directory; name it in outputDirs")
        if kind != stat.S_IFREG:
            raise OutputRefusedError(output, "it is no ordinary file")
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _packing(output: str) -> Iterator[None]:
    """Turn what the file system refuses while an archive is made into an OutputError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise OutputDiskFullError(output) from error
        where = f" ({os.fsdecode(error.filename)!r})" if error.filename else ""
        raise OutputRefusedError(output, f"it could not be archived: {error.strerror or error}{where}") from error
