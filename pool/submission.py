"""Values on their way into a submit description, so that nothing in them is ever evaluated.

A submit description is a language of its own: `$(NAME)` is expanded, quotes end strings. Everything that a user chose goes
through `quoted` or `quoted_list` here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable

import classad2


def quoted(text: str) -> str:
    """`text` as a ClassAd string literal for a submit description; any text without NUL comes out of the ad unchanged."""
    literal: str = classad2.quote(text)
    return literal.replace("$", "$(DOLLAR)")


def quoted_list(texts: Iterable[str]) -> str:
    """A ClassAd list of string literals for a submit description."""
    return "{" + ", ".join(quoted(text) for text in texts) + "}"


def constraint_string(text: str) -> str:
    """`text` as a string literal in a constraint."""
    literal: str = classad2.quote(text)
    return literal
