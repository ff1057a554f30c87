"""The page for people: all of the description, nothing from elsewhere, every text escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from api.documents.job import Job
from api.openapi import page
from api.openapi.document import PREFIX, document
from api.openapi.kinds import kind
from api.openapi.operation import JSON, Body, Operation, Parameter, Reply
from api.openapi.operations import OPERATIONS
from tests.unit.api.openapi.conftest import Server

HOSTILE = "<script>alert(`1`)</script>\" onload='x'"


class Read(HTMLParser):
    """The tags of a page, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        self.links += [value for name in ("href", "src") if (value := given.get(name)) is not None]
        self.anchors += [value] if (value := given.get("id")) is not None else []


def test_every_operation_and_every_model_stand_on_the_page() -> None:
    described = document(OPERATIONS, PREFIX)
    read = Read(page.render(described))
    for name in [operation.name for operation in OPERATIONS]:
        assert name in read.anchors
    for name in described["components"]["schemas"]:
        assert f"model-{name}" in read.anchors
    assert len(read.anchors) == len(set(read.anchors))


def test_links_lead_to_places_on_the_page_or_to_the_description() -> None:
    read = Read(page.render(document(OPERATIONS, PREFIX)))
    places = {f"#{anchor}" for anchor in read.anchors}
    assert set(read.links) - places == {"openapi.json"}
    assert not read.tags & {"script", "link", "img", "iframe", "object"}


def test_text_from_anywhere_is_escaped() -> None:
    hostile = Operation(
        "POST",
        "/x/{a}",
        HOSTILE,
        HOSTILE,
        {200: Reply(HOSTILE, {HOSTILE: {"enum": [HOSTILE]}})},
        says=HOSTILE,
        parameters=(Parameter("a", HOSTILE, {"type": HOSTILE}, "path", True),),
        body=Body({JSON: Job}, HOSTILE),
    )
    read = Read(page.render(document([hostile], f"http://h/{HOSTILE}")))
    assert "script" not in read.tags


def test_the_browser_may_apply_the_pages_own_style_alone(server: Server) -> None:
    answer = server.client().get(f"{PREFIX}/docs")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    styles = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    assert len(styles) == 1
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert 'style="' not in answer.text


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 6}, "integer from 1 to 6"),
        ({"type": "number", "exclusiveMinimum": 0}, "number above 0"),
        ({"type": "string", "maxLength": 5, "pattern": "^a$"}, "string of at most 5 characters"),
        ({"type": "string", "contentEncoding": "base64"}, "string in base64"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Task"}}, "list of Task"),
        ({"type": "array", "prefixItems": [{"type": "integer"}] * 2}, "list of 2: each integer"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"enum": ["a", None]}, '"a" or null'),
        ({"const": "a", "type": "string"}, '"a"'),
        ({"type": "object", "patternProperties": {"^a$": {"type": "string"}}}, "object of names, each with a string"),
        ({"type": "object", "additionalProperties": False}, "object"),
        ({"type": "boolean"}, "boolean"),
        ({}, "anything"),
    ],
)
def test_what_a_value_may_be_is_said_in_words(schema: dict[str, Any], says: str) -> None:
    assert "".join(piece.text for piece in kind(schema)) == says
