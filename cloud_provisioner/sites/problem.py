"""What is wrong with a site's description: a place and a sentence that says the remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""A place in a description: keys, and numbers of entries from 0 on."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONGEST_KEY = 80


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in `file`; `line` counts from 1, `key` is empty where it is about the whole file.

    A `note` is worth knowing and refuses nothing. The sentence never repeats what may be a secret.
    """

    file: str
    line: int
    key: str
    sentence: str
    note: bool = False

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}:{self.line}:{key} {'note: ' if self.note else ''}{self.sentence}"


@dataclass(frozen=True)
class Place:
    """Where something stands; `line` counts from 1."""

    file: str
    line: int


class Places:
    """Where each key of a description stands, which may be made of several files; the empty path is the whole."""

    def __init__(self, places: Mapping[Path, Place]) -> None:
        self._places = dict(places)

    def __contains__(self, path: Path) -> bool:
        return path in self._places

    def below(self, path: Path, new: Path) -> dict[Path, Place]:
        """The places at and below `path`, as if it were `new`."""
        return {(*new, *one[len(path) :]): at for one, at in self._places.items() if one[: len(path)] == path}

    def of(self, path: Path) -> Place:
        """Where `path` stands; for what is not there, where that stands which it would be part of."""
        while path and path not in self._places:
            path = path[:-1]
        return self._places[path]

    def problem(self, path: Path, sentence: str, *, note: bool = False) -> Problem:
        """A problem at `path`."""
        place = self.of(path)
        return Problem(place.file, place.line, key_text(path), sentence, note)


NOWHERE = Places({})


def key_text(path: Path) -> str:
    """A path as its writer would say it: `vos["/biomed/vip"].project_id`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f'["{shown(part)}"]'
    return text


def shown(text: str) -> str:
    """A text of a file as a message may repeat it: on one line, without control characters, and cut."""
    safe = text.encode("unicode_escape").decode()
    return safe if len(safe) <= _LONGEST_KEY else f"{safe[:_LONGEST_KEY]}..."
