"""Values on their way into a submit description, so that nothing in them is ever evaluated.

A submit description is a language of its own: `$(NAME)` is expanded, quotes end strings. Everything that a user chose goes
through `quoted` or `quoted_list` here, and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import classad2

_SPECIAL = re.compile(r"[^ !-#%-\[\]-~]")


def escaped(text: str) -> str:
    """`text` as it stands in an ad: `$`, backslashes, control characters and what is not ASCII as JSON's `\\uXXXX`."""
    return _SPECIAL.sub(lambda found: _escape(found[0]), text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def quoted(text: str) -> str:
    """A string literal for a submit description; its value in the ad is `escaped(text)`.

    The schedd reads it in the old ClassAd syntax, in which a backslash stands for itself and only `\\"` is an escape.
    """
    return _literal(escaped(text))


def quoted_json(value: object) -> str:
    """A string literal for a submit description whose value in the ad is JSON in ASCII."""
    return _literal(json.dumps(value).replace("$", "\\u0024"))


def _literal(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def quoted_list(texts: Iterable[str]) -> str:
    """A ClassAd list of string literals for a submit description."""
    return "{" + ", ".join(quoted(text) for text in texts) + "}"


def constraint_string(text: str) -> str:
    """`text` as a string literal in a constraint, which is read in the new ClassAd syntax."""
    literal: str = classad2.quote(text)
    return literal
