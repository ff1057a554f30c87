"""The document as a page for people: rendered once on the server, no scripts, nothing from elsewhere, all text escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from api.openapi.kinds import Kind, kind

_TEMPLATES = Path(__file__).parents[2] / "templates" / "reference"
_STYLE = "reference.css"


@dataclass(frozen=True)
class Field:
    """A line of a table: a parameter or a field of a model."""

    name: str
    kind: Kind
    required: bool
    says: str
    place: str = ""


@dataclass(frozen=True)
class Content:
    """A body or an answer: its status ("" for a request), media types and kinds."""

    status: str
    says: str
    kinds: tuple[tuple[str, Kind], ...]


@dataclass(frozen=True)
class Entry:
    """An operation as the page shows it."""

    method: str
    path: str
    name: str
    summary: str
    says: str
    tokens: tuple[str, ...]
    parameters: tuple[Field, ...]
    body: Content | None
    answers: tuple[Content, ...]


def render(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document as HTML."""
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["prose"] = _prose
    entries = list(_entries(document))
    tags = {tag["name"]: [entry for of, entry in entries if of == tag["name"]] for tag in document["tags"]}
    return templates.get_template("reference.html").render(
        info=document["info"],
        url=document["servers"][0]["url"],
        tags=tags,
        models={name: (schema, _fields(schema)) for name, schema in document["components"]["schemas"].items()},
        style=Markup(_style()),  # noqa: S704 - our own file
    )


def content_security_policy() -> str:
    """What a browser may do with the page: apply its own style, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _style() -> str:
    return (_TEMPLATES / _STYLE).read_text(encoding="utf-8")


def _prose(text: str) -> Markup:
    """The text, escaped, with what stands between backticks as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if odd % 2 else escape(part) for odd, part in enumerate(text.split("`"))
    ]
    return Markup().join(parts)


def _entries(document: Mapping[str, Any]) -> Iterator[tuple[str, Entry]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield operation["tags"][0], _entry(method, path, operation)


def _entry(method: str, path: str, operation: Mapping[str, Any]) -> Entry:
    body = operation.get("requestBody")
    return Entry(
        method=method.upper(),
        path=path,
        name=operation["operationId"],
        summary=operation["summary"],
        says=operation["description"] if operation["description"] != operation["summary"] else "",
        tokens=tuple(name for scheme in operation["security"] for name in scheme),
        parameters=tuple(_parameter(parameter) for parameter in operation.get("parameters", ())),
        body=_content("", body) if body else None,
        answers=tuple(_content(status, answer) for status, answer in operation["responses"].items()),
    )


def _parameter(parameter: Mapping[str, Any]) -> Field:
    return Field(
        parameter["name"], kind(parameter["schema"]), parameter["required"], parameter["description"], parameter["in"]
    )


def _content(status: str, described: Mapping[str, Any]) -> Content:
    kinds = tuple((media, kind(content["schema"])) for media, content in described.get("content", {}).items())
    return Content(status, described.get("description", ""), kinds)


def _fields(schema: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(name, kind(field), name in required, field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
    ]
