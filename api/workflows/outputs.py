"""Which of the outputs that an instance left behind are meant by the name of a file. Pure.

A file may be named as it is stored, or as the job lists it: with parameters of the job in it, as the directory that is stored
as an archive, or as a pattern. In a pattern `*`, `?` and `[...]` stand for what they do in a shell, within one directory and
not for a dot in front; `**` stands for any directories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Any

from api.jobs.outputs import archive, below_home
from worker.parameters import substituted

_PATTERN = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"


def meant(document: Mapping[str, Any], parameters: Mapping[str, str], file: str, stored: Iterable[str]) -> list[str]:
    """The names in `stored` of what a job with this document, run with these parameters, left as `file`; none: nothing."""
    name = _name(document, parameters, below_home(file))
    there = set(stored)
    if name in there:
        return [name]
    return sorted(one for one in there if _fits(one, name)) if is_pattern(name) else []


def is_pattern(name: str) -> bool:
    """Whether a name may stand for several files."""
    return _PATTERN.search(name) is not None


def _name(document: Mapping[str, Any], parameters: Mapping[str, str], wanted: str) -> str:
    """The name under which it is stored, or the pattern that this fits."""
    for listed, made in _both(document.get("outputDirs", ()), parameters):
        if wanted in (listed, made, archive(listed)):
            return archive(made)
    return next(
        (made for listed, made in _both(document.get("outputFiles", ()), parameters) if wanted == listed), wanted
    )


def _both(listed: Iterable[str], parameters: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Names as they are listed, and with the parameters in them replaced."""
    return ((below_home(one), below_home(substituted(one, parameters))) for one in listed)


def _fits(name: str, pattern: str) -> bool:
    """Whether the name fits the pattern: which beginnings of the pattern fit what was read of the name, part by part."""
    parts = [part for part, alike in groupby(pattern.split("/")) for _ in ([0] if part == _ANY_FOLDERS else alike)]
    places = _onward(parts, {0})
    for part in name.split("/"):
        places = _onward(parts, {after for place in places for after in _after(parts, place, part)})
    return len(parts) in places


def _after(parts: Sequence[str], place: int, part: str) -> tuple[int, ...]:
    if place == len(parts):
        return ()
    wanted = parts[place]
    if part.startswith(".") and not wanted.startswith("."):
        return ()
    if wanted == _ANY_FOLDERS:
        return (place,)
    return (place + 1,) if fnmatchcase(part, wanted) else ()


def _onward(parts: Sequence[str], places: set[int]) -> set[int]:
    """The places, and those behind a `**`, which may stand for nothing. Two of these never follow one another."""
    return places | {place + 1 for place in places if place < len(parts) and parts[place] == _ANY_FOLDERS}
