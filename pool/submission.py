"""Values on their way into a submit description, so that nothing in them is ever evaluated.

A submit description is a language of its own: `$(NAME)` is expanded, quotes end strings. Everything that a user chose goes
through `quoted` or `quoted_list` here, and nowhere else.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable

import classad2

_PLAIN = "".join(chr(code) for code in range(32, 127) if chr(code) not in '%$"\\')


def escaped(text: str) -> str:
    """`text` as it stands in an ad: percent-encoded but for printable ASCII without `%`, `$`, quotes and backslashes."""
    return urllib.parse.quote(text, safe=_PLAIN)


def unescaped(text: str) -> str:
    """What stands in an ad as `escaped` text, as it was."""
    return urllib.parse.unquote(text)


def quoted(text: str) -> str:
    """A string literal for a submit description; its value in the ad is `escaped(text)`."""
    return literal(escaped(text))


def literal(text: str) -> str:
    """A string literal for a submit description whose value in the ad is `text` itself: JSON in ASCII, or `escaped` text.

    The schedd reads it in the old ClassAd syntax, in which a backslash stands for itself and only `\\"` is an escape. A `$`
    can only stand within a string of JSON, which has another way to write it; escaped text has none.
    """
    inside = text.replace("$", "\\u0024").replace('"', '\\"')
    return f'"{inside}"'


def quoted_list(texts: Iterable[str]) -> str:
    """A ClassAd list of string literals for a submit description."""
    return "{" + ", ".join(quoted(text) for text in texts) + "}"


def constraint_string(text: str) -> str:
    """`text` as a string literal in a constraint, which is read in the new ClassAd syntax."""
    literal: str = classad2.quote(text)
    return literal
