"""JSON, and nothing that merely looks like it: from bytes to a tree of dicts, lists and scalars.

Python's parser lets through what other readers of the same text understand otherwise, or not at all: a key
given twice, NaN and Infinity, numbers beyond a float, halves of surrogate pairs, other encodings. All of
these are refused here, with the place where they stand. Nesting is limited, so that nothing behind this can
run out of stack.
"""

import json
import math
from typing import Any, NoReturn

from api.documents.errors import InvalidDocument
from api.documents.wording import path, shown

MAX_DEPTH = 32
"""Objects and lists in one another."""
MAX_COMMAS = 250_000
"""Commas in a text, a cheap bound on the number of its values: each can take much more memory than text."""
_MAX_DIGITS = 32
"""Digits of an integer; no field needs as many, and long ones are slow to convert."""

Place = tuple[int | str, ...]


class _Object(dict[str, Any]):
    """A JSON object that remembers a key it was given twice."""

    twice: str | None = None


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                made.twice = key
                break
            seen.add(key)
    return made


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf


def load(body: bytes) -> Any:
    """The tree that the body stands for. Raises InvalidDocument with the first thing that is wrong."""
    if body.count(b",") > MAX_COMMAS:
        raise InvalidDocument("", f"the body must have at most {MAX_COMMAS} commas: describe less in one document")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidDocument("", f"the body must be UTF-8, but byte {error.start} is not: send UTF-8") from error
    try:
        tree = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        problem = error.msg.removesuffix(" at").lower()
        raise InvalidDocument(
            "", f"the body must be JSON, but is not at line {error.lineno}, column {error.colno}: {problem}"
        ) from error
    except RecursionError as error:
        raise _too_deep(()) from error
    _check((), tree)
    return tree


def _check(place: Place, value: Any) -> None:
    """Look at the value and all in it, in the order of the document; the depth limit bounds the recursion."""
    if len(place) > MAX_DEPTH:
        raise _too_deep(place)
    if isinstance(value, float) and not math.isfinite(value):
        _refuse(place, "must be a finite number of a size that a computer can hold")
    elif isinstance(value, str):
        _check_text(place, value)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            _check((*place, index), entry)
    elif isinstance(value, _Object):
        _check_keys(place, value)
        for key, entry in value.items():
            _check((*place, key), entry)


def _check_keys(place: Place, value: _Object) -> None:
    for key in value:
        _check_text((*place, key), key)
    if value.twice is not None:
        _refuse((*place, value.twice), "is given twice: keep one")


def _check_text(place: Place, text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        _refuse(place, f"must be Unicode text, but has half of a surrogate pair, {shown(text[error.start])}")


def _refuse(place: Place, says: str) -> NoReturn:
    field = path(place)
    raise InvalidDocument(field, f"{field or 'the body'} {says}")


def _too_deep(place: Place) -> InvalidDocument:
    field = path(place[:1])
    return InvalidDocument(field, f"{field or 'the body'} must not be nested more than {MAX_DEPTH} deep")
