"""Finds outputs in the job's home as the job itself sees it, without a look at anything else of the worker.

A task may leave any link. One is followed as in the container, where the home is at HOME: a link to an absolute path below that
stays in the home, and one that leads out is refused. Nobody learns whether there is something.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from pathlib import Path, PurePosixPath
from typing import Iterator, List, Optional, Set, Tuple

from worker.container import HOME
from worker.staging.errors import OutputMissingError, OutputRefusedError

Parts = Tuple[str, ...]

MOST_MATCHES = 10_000
"""Files that one pattern may match."""
_MOST_LINKS = 40
_DEEPEST = 100
_MAGIC = re.compile(r"[*?[]")


def below_home(output: str) -> Parts:
    """The parts of an output's name below the home. Raises OutputRefusedError."""
    path = PurePosixPath(output)
    if path.is_absolute():
        try:
            path = path.relative_to(HOME)
        except ValueError as error:
            raise OutputRefusedError(output, f"it is not below the job's directory {HOME}; write it there") from error
    if ".." in path.parts or "\0" in output:
        raise OutputRefusedError(output, "a name with '..' is not looked for; give it without")
    return path.parts


def resolve(home: Path, parts: Parts, output: str) -> Parts:
    """The place behind ``parts``, which has no symbolic links on its way.

    ``output`` is for messages. Raises OutputMissingError, OutputRefusedError.
    """
    waiting = list(reversed(parts))
    place: List[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part == "..":
            if not place:
                raise _leads_out(output)
            place.pop()
            continue
        target = _target(home.joinpath(*place, part), output)
        if target is None:
            place.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OutputRefusedError(output, "its symbolic links lead in a circle")
        followed = PurePosixPath(target)
        if followed.is_absolute():
            place = []
            followed = _in_home(followed, output)
        waiting += reversed(followed.parts)
    return tuple(place)


def matches(home: Path, pattern: str) -> List[Parts]:
    """The names, in order, of the files that a name or pattern stands for, below the home.

    ``*``, ``?`` and ``[…]`` stand for what they do in a shell, not for a dot in front; ``**`` for any directories, none of them
    behind a link. A name that is there as it stands is itself. Raises OutputMissingError, OutputRefusedError.
    """
    parts = below_home(pattern)
    if not any(_MAGIC.search(part) for part in parts) or os.path.lexists(home.joinpath(*parts)):
        return [parts]
    found: Set[Parts] = set()
    for name in _expand(home, (), parts):
        found.add(name)
        if len(found) > MOST_MATCHES:
            raise OutputRefusedError(
                pattern, f"it matches more than {MOST_MATCHES} files; name a directory in outputDirs"
            )
    if not found:
        raise OutputMissingError([pattern])
    return sorted(found)


def _expand(home: Path, place: Parts, rest: Parts) -> Iterator[Parts]:
    if not rest:
        if _kind(home, place) == stat.S_IFREG:
            yield place
        return
    part, after = rest[0], rest[1:]
    if part == "**":
        yield from _expand(home, place, after)
        for name in _names(home, place):
            if not name.startswith(".") and len(place) < _DEEPEST and _is_real_folder(home, (*place, name)):
                yield from _expand(home, (*place, name), rest)
    elif _MAGIC.search(part):
        for name in fnmatch.filter(_names(home, place), part):
            if part.startswith(".") or not name.startswith("."):
                yield from _expand(home, (*place, name), after)
    else:
        yield from _expand(home, (*place, part), after)


def _names(home: Path, place: Parts) -> List[str]:
    """The entries of a directory; none where it is none, or is out of the home."""
    try:
        return sorted(entry.name for entry in home.joinpath(*resolve(home, place, "/".join(place))).iterdir())
    except (OutputMissingError, OutputRefusedError, NotADirectoryError, PermissionError):
        return []


def _is_real_folder(home: Path, place: Parts) -> bool:
    return stat.S_ISDIR(home.joinpath(*place).lstat().st_mode)


def _kind(home: Path, place: Parts) -> Optional[int]:
    """The type of what is there, behind links; a link that leads out counts as a file, so that it is refused by name."""
    try:
        real = home.joinpath(*resolve(home, place, "/".join(place)))
        return stat.S_IFMT(real.lstat().st_mode)
    except OutputMissingError:
        return None
    except OutputRefusedError:
        return stat.S_IFREG


def _target(path: Path, output: str) -> Optional[str]:
    """Where a symbolic link leads; None for what is none. Raises OutputMissingError, OutputRefusedError."""
    try:
        if not stat.S_ISLNK(path.lstat().st_mode):
            return None
        return str(path.readlink())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise OutputMissingError([output]) from error
    except OSError as error:
        raise OutputRefusedError(output, f"it cannot be reached: {error.strerror}") from error


def _in_home(path: PurePosixPath, output: str) -> PurePosixPath:
    try:
        return path.relative_to(HOME)
    except ValueError as error:
        raise _leads_out(output) from error


def _leads_out(output: str) -> OutputRefusedError:
    return OutputRefusedError(
        output, "it is a symbolic link that leads out of the job's directory; copy the file there"
    )
