"""YAML as another way to write JSON: from bytes to the same tree of dicts, lists and scalars that ``strict_json`` makes.

Plain words mean what they do in YAML 1.2: ``yes``, ``on``, ``1:30`` and ``2024-01-01`` are texts. Keys are always texts.
Anchors, aliases and the merge key ``<<`` work; all that an alias stands for counts each time, so a small text never becomes a
large document. Tags, which name types of programs, are refused. The text is read event by event and no deeper than documents
may be nested, so it cannot exhaust the stack.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import yaml

from api.documents.errors import InvalidDocument
from api.documents.strict_json import MAX_DEPTH
from api.documents.wording import shown

MAX_VALUES = 250_000
"""Values of a document, those inside of others included."""
MAX_CHARACTERS = 64 * 1024 * 1024
"""Characters of all texts of a document together."""
_MAX_DIGITS = 32
"""Digits of an integer, as in JSON."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_BASES = {"0o": 8, "0x": 16}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_MERGE = "<<"


def load(body: bytes) -> Any:
    """The tree that the body, one YAML document, stands for. Raises InvalidDocument with the first thing that is wrong.

    Parts of the tree that stand behind aliases are the same objects: it must not be changed.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidDocument("", f"the body must be UTF-8, but byte {error.start} is not: send UTF-8") from error
    try:
        return _Reader(yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        raise _refusal(error.problem_mark, f"must be YAML, but is not: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        raise InvalidDocument(
            "", f"the body must be YAML, but has a character at {error.position} that none has"
        ) from error


class _Mark(Protocol):
    """A place in the text, counted from 0."""

    line: int
    column: int


class _Made(NamedTuple):
    """A value that is complete: how many values and characters it takes, and how deep it goes."""

    value: Any
    values: int
    characters: int
    depth: int


class _Reader:
    """Makes a tree of the events of a YAML text, and counts what it makes."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, _Made] = {}
        self._values = 0
        self._characters = 0

    def document(self) -> Any:
        """The only document of the text, None where there is none."""
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        value, _ = self._node(next(self._events), 0)
        next(self._events)
        more = next(self._events)
        if not isinstance(more, yaml.StreamEndEvent):
            raise _refusal(more.start_mark, "must be one YAML document, but another begins")
        return value

    def _node(self, event: yaml.Event, above: int) -> tuple[Any, int]:
        """The value that begins with the event, ``above`` others around it, and its depth."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, above)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            return self._new(event, above)
        raise _refusal(event.start_mark, "must have a value here")

    def _new(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, above: int) -> tuple[Any, int]:
        if event.tag is not None:
            raise _refusal(
                event.start_mark, f"must have no tags: remove {shown(event.tag)}, quotation marks make a text"
            )
        values, characters = self._values, self._characters
        if isinstance(event, yaml.ScalarEvent):
            self._count(event, 1, len(event.value))
            value, depth = _scalar(event), 0
        else:
            if above >= MAX_DEPTH:
                raise _refusal(event.start_mark, f"must not be nested more than {MAX_DEPTH} deep")
            self._count(event, 1, 0)
            inside = self._list if isinstance(event, yaml.SequenceStartEvent) else self._object
            value, depth = inside(above + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Made(value, self._values - values, self._characters - characters, depth)
        return value, depth

    def _list(self, above: int) -> tuple[list[Any], int]:
        made, depth = [], 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            value, deep = self._node(event, above)
            made.append(value)
            depth = max(depth, deep)
        return made, depth + 1

    def _object(self, above: int) -> tuple[dict[str, Any], int]:
        made: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        depth = 0
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, is_merge = self._key(event)
            value, deep = self._node(next(self._events), above)
            depth = max(depth, deep)
            if is_merge:
                merged += _objects(value, event)
            elif key in made:
                raise _refusal(event.start_mark, f"gives the key {shown(key)} twice: keep one")
            else:
                made[key] = value
        for key, value in ((key, value) for other in merged for key, value in other.items()):
            made.setdefault(key, value)
        return made, depth + 1

    def _key(self, event: yaml.Event) -> tuple[str, bool]:
        """The key, and whether it merges."""
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
            raise _refusal(event.start_mark, "must have plain texts for keys")
        self._count(event, 0, len(event.value))
        key: str = event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = _Made(key, 1, len(key), 0)
        return key, key == _MERGE and not event.style

    def _alias(self, event: yaml.AliasEvent, above: int) -> tuple[Any, int]:
        made = self._anchors.get(event.anchor or "")
        if made is None:
            raise _refusal(
                event.start_mark, f"has the alias {shown(event.anchor)}, but nothing complete of this name before"
            )
        if above + made.depth > MAX_DEPTH:
            raise _refusal(event.start_mark, f"must not be nested more than {MAX_DEPTH} deep")
        self._count(event, made.values, made.characters)
        return made.value, made.depth

    def _count(self, event: yaml.Event, values: int, characters: int) -> None:
        self._values += values
        self._characters += characters
        if self._values > MAX_VALUES or self._characters > MAX_CHARACTERS:
            raise _refusal(
                event.start_mark,
                f"must have at most {MAX_VALUES} values with {MAX_CHARACTERS} characters, those behind aliases counted "
                "each time: describe less in one document",
            )


def _objects(value: Any, event: yaml.Event) -> list[dict[str, Any]]:
    """What a merge key merges; the first to have a key wins."""
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, dict) for entry in found):
        raise _refusal(event.start_mark, f"must have an object, or a list of objects, after {_MERGE}")
    return found


def _scalar(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    if event.style or not event.implicit[0]:
        return text
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            raise _refusal(event.start_mark, f"must not have a number of more than {_MAX_DIGITS} digits")
        return int(text, _BASES.get(text[:2], 10))
    return _float(text, event) if _FLOAT.fullmatch(text) else text


def _float(text: str, event: yaml.ScalarEvent) -> float:
    value = float(text.replace(".", "", 1) if text[-1] in "fFnN" else text)
    if not math.isfinite(value):
        raise _refusal(event.start_mark, "must have finite numbers of a size that a computer can hold")
    return value


def _refusal(mark: _Mark | None, says: str) -> InvalidDocument:
    at = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return InvalidDocument("", f"the body{at} {says}")
