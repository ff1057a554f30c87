"""What a JSON schema accepts, in a few words for people: "integer from 1 to 6", "list of Task". Pure.

Patterns are left out: descriptions say in words what they mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Piece:
    """A few words; `model` is the name of the model that they lead to, "" where they lead nowhere."""

    text: str
    model: str = ""


Kind = tuple[Piece, ...]


def kind(schema: Mapping[str, Any]) -> Kind:
    """What the schema accepts."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return (Piece(name, name),)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices and "type" not in schema:
        return _joined([kind(choice) for choice in choices])
    if "const" in schema:
        return (Piece(json.dumps(schema["const"])),)
    if "enum" in schema:
        return (Piece(" or ".join(json.dumps(value) for value in schema["enum"])),)
    named = schema.get("type", "anything")
    if isinstance(named, list):
        return _joined([kind({**schema, "type": name}) for name in named])
    return _KINDS.get(named, _any)(schema)


def _joined(kinds: list[Kind]) -> Kind:
    pieces: list[Piece] = []
    for number, each in enumerate(kinds):
        pieces += ([Piece(" or ")] if number else []) + list(each)
    return tuple(pieces)


def _any(schema: Mapping[str, Any]) -> Kind:
    return (Piece(str(schema.get("type", "anything"))),)


def _number(schema: Mapping[str, Any]) -> Kind:
    words = [schema["type"]]
    if "exclusiveMinimum" in schema:
        words.append(f"above {schema['exclusiveMinimum']}")
    if "minimum" in schema:
        words.append(f"from {schema['minimum']}")
    if "maximum" in schema:
        words.append(f"to {schema['maximum']}")
    return (Piece(" ".join(words)),)


def _string(schema: Mapping[str, Any]) -> Kind:
    if "contentEncoding" in schema:
        return (Piece(f"string in {schema['contentEncoding']}"),)
    limit = schema.get("maxLength")
    return (Piece(f"string of at most {limit} characters" if limit else "string"),)


def _array(schema: Mapping[str, Any]) -> Kind:
    if "prefixItems" in schema:
        count, first = len(schema["prefixItems"]), schema["prefixItems"][0]
        return (Piece(f"list of {count}: each "), *kind(first))
    return (Piece("list of "), *kind(schema.get("items", {})))


def _object(schema: Mapping[str, Any]) -> Kind:
    values = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties"))
    if not isinstance(values, Mapping):
        return (Piece("object"),)
    return (Piece("object of names, each with a "), *kind(values))


_KINDS = {"integer": _number, "number": _number, "string": _string, "array": _array, "object": _object}
