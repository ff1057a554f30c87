"""From the bytes of a file to a tree that knows its lines: the YAML that site descriptions are written in. Pure.

All plain words are texts, and become numbers where the schema wants numbers: a project's id such as `12345e678` stays
what it is. `null`, `~` and nothing are None. Anchors, aliases and tags are refused, so a small file stays small, and so is
what is nested too deeply. Keys that stand twice are refused; all of them are reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from cloud_provisioner.sites.problem import Path, Place, Places, Problem, key_text, shown

LARGEST = 64 * 1024
"""Bytes of a file at most."""
_DEEPEST = 12
_ODD_BREAK = re.compile(r"\r(?!\n)|[\x85\u2028\u2029]")
"""What YAML takes for the end of a line, and editors do not, so that lines would be counted differently."""
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})

Tree = dict[str, Any]
"""A mapping of texts to texts, None, lists and mappings."""


@dataclass(frozen=True)
class Text:
    """A file that could be read: its tree and the places in it; `problems` are those that did not hinder reading."""

    tree: Tree
    places: Places
    problems: tuple[Problem, ...]


class _Unreadable(Exception):
    """Reading cannot go on; what is wrong was noted."""


def parse(file: str, content: bytes, *, optional: bool = False) -> Text | Problem:
    """The tree in `content`, or the problem that keeps it from being read.

    `optional`: the file may say nothing, as when it has comments alone.
    """
    if len(content) > LARGEST:
        return Problem(file, 1, "", f"has more than {LARGEST // 1024} KB: describe one site in a file")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem(file, content.count(b"\n", 0, error.start) + 1, "", "is not UTF-8: save the file as UTF-8")
    if odd := _ODD_BREAK.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        return Problem(file, line, "", "has a line break that few programs know as one: end lines with a line feed")
    reader = _Reader(file, optional)
    try:
        tree = reader.document(yaml.parse(text, Loader=yaml.CSafeLoader))
    except _Unreadable:
        return reader.problems[-1]
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return Problem(file, line, "", "has a control character, which no text may have: remove it")
    except yaml.MarkedYAMLError as error:
        return _syntax(file, text, error)
    return Text(tree, Places(reader.places), tuple(reader.problems))


def _syntax(file: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    lines = text.split("\n")
    line = min(error.problem_mark.line if error.problem_mark else 0, len(lines) - 1)
    written = lines[line]
    if "\t" in written[: len(written) - len(written.lstrip())] or "'\\t'" in (error.problem or ""):
        return Problem(file, line + 1, "", "begins with a tab: YAML is indented with spaces")
    said = f"{error.context or ''} {error.problem or ''}".strip()
    return Problem(file, line + 1, "", f"is not YAML ({said}): correct this line or the one before it")


@dataclass
class _Reader:
    """Makes the tree of one file from YAML's events."""

    file: str
    optional: bool
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def document(self, events: Iterator[yaml.Event]) -> Tree:
        """The only document, which must be a mapping."""
        next(events)
        first = next(events)
        self.places[()] = Place(self.file, 1)
        if isinstance(first, yaml.StreamEndEvent):
            if self.optional:
                return {}
            self.problems.append(Problem(self.file, 1, "", "is empty: describe a site in it"))
            raise _Unreadable
        event = next(events)
        tree = self._node(event, events, ())
        next(events)
        more = next(events)
        if not isinstance(more, yaml.StreamEndEvent):
            raise self._refused(more, (), "begins a second YAML document: describe one site in a file")
        if tree is None and self.optional:
            return {}
        if not isinstance(tree, dict):
            raise self._refused(event, (), "must be `key: value` lines")
        return tree

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Any:
        if isinstance(event, yaml.AliasEvent):
            raise self._refused(event, path, "is an alias, which is not read here: write out what it stands for")
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            raise self._refused(event, path, "must have a value")
        if event.anchor is not None:
            raise self._refused(
                event, path, "has an anchor (&), which is not read here: put quotation marks around text"
            )
        if event.tag is not None:
            raise self._refused(event, path, "has a tag (!), which is not read here: put quotation marks around text")
        if isinstance(event, yaml.ScalarEvent):
            value: str = event.value
            return None if event.implicit[0] and not event.style and value in _NULLS else value
        if len(path) >= _DEEPEST:
            raise self._refused(event, path, f"is nested more than {_DEEPEST} deep: no description is")
        return self._list(events, path) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(events, path)

    def _list(self, events: Iterator[yaml.Event], path: Path) -> list[Any]:
        made: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            here = (*path, len(made))
            self.places[here] = Place(self.file, _line(event))
            made.append(self._node(event, events, here))
        return made

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> Tree:
        made: Tree = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor is not None or event.tag is not None:
                raise self._refused(event, path, "has a key that is no plain text: write `key: value`")
            here = (*path, event.value)
            if event.value in made:
                self._note(event, here, f"stands here a second time, after line {self.places[here].line}: keep one")
            else:
                self.places[here] = Place(self.file, _line(event))
            made[event.value] = self._node(next(events), events, here)
        return made

    def _note(self, event: yaml.Event, path: Path, sentence: str) -> None:
        self.problems.append(Problem(self.file, _line(event), shown(key_text(path)), sentence))

    def _refused(self, event: yaml.Event, path: Path, sentence: str) -> _Unreadable:
        self._note(event, path, sentence)
        return _Unreadable()


def _line(event: yaml.Event) -> int:
    """The line on which an event begins, from 1 on."""
    return event.start_mark.line + 1 if event.start_mark else 1
