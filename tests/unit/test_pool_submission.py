"""User text on its way into a submit description."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pool.submission import escaped, literal, quoted


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nothing_that_the_submit_language_knows_is_left(text: str) -> None:
    literal = quoted(text)
    assert literal.isascii()
    assert literal.isprintable()
    assert "$" not in literal
    assert '"' not in literal[1:-1].replace('\\"', "")


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)


@given(st.dictionaries(st.text(), st.text()))
def test_a_document_survives(document: dict[str, str]) -> None:
    written = literal(json.dumps(document))
    assert "$" not in written
    # The old ClassAd syntax: only a quote is escaped.
    assert json.loads(written[1:-1].replace('\\"', '"')) == document
