"""Links between the documents lead somewhere; and the comparison of documents with the program says what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.docs.reference import ROOT, compare

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "client/README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as renderers of Markdown make them."""
    found = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in _LINK.findall(document.read_text()):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        assert target.exists(), f"{document.relative_to(ROOT)} links to {link}, which is not there"
        assert not anchor or anchor in anchors(target), f"{document.relative_to(ROOT)}: {link} has no such heading"


def test_everything_in_the_reference_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for document in (ROOT / "docs" / "reference").glob("*.md"):
        assert f"(reference/{document.name})" in index


@pytest.mark.parametrize(
    ("documented", "there", "said"),
    [
        (["a"], ["a", "b"], "x.md does not say what these are: b"),
        (["a", "b"], ["a"], "x.md documents what is not there: b"),
        (["a", "a"], ["a"], "x.md documents twice: a"),
        ([], [], "nothing was found"),
    ],
)
def test_a_difference_is_named(documented: list[str], there: list[str], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        compare("x.md", documented, there)
