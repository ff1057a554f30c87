"""From operations to an OpenAPI 3.1 document: plain dicts, ready for JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.openapi.operation import Body, Content, Listed, Operation, Parameter, Reply

PREFIX = "/prominence/v1"
"""Where the API is, below the address of the server."""
VERSION = "1"
"""The contract's version: what is added later leaves what is there as it is."""
_REFERENCE = "#/components/schemas/{model}"
_TOKENS = {
    "user": "An access token of an OpenID Connect provider that this service accepts.",
    "job": "The token that a running job has in PROMINENCE_TOKEN.",
}
_SUMMARY = """Runs containerised jobs. Every error is an object with `error`, one sentence that says what to do, and `code`
for programs. Answers may have more fields than are described here: readers must let them pass. Every answer of the API has
a header `X-Request-Id`, by which operators find the request in their log."""


def document(operations: Iterable[Operation], url: str) -> dict[str, Any]:
    """The document of these operations, served at `url` (address or path of the API with its prefix)."""
    listed = tuple(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in listed:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "PROMINENCE", "version": VERSION, "description": _SUMMARY},
        "servers": [{"url": url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in listed)],
        "paths": paths,
        "components": {"schemas": _schemas(listed), "securitySchemes": _schemes()},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.says or operation.summary,
        "security": [{f"{token}Token": []} for token in operation.tokens],
        "responses": {str(status): _reply(answer) for status, answer in operation.answers().items()},
    }
    if operation.parameters:
        described["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.body is not None:
        described["requestBody"] = _body(operation.body)
    return described


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.says,
        "required": parameter.required,
        "schema": dict(parameter.schema),
    }
    if parameter.place == "query" and parameter.schema.get("type") == "array":
        described |= {"style": "form", "explode": False}
    if parameter.example is not None:
        described["example"] = parameter.example
    return described


def _body(body: Body) -> dict[str, Any]:
    described: dict[str, Any] = {"required": body.required, "content": _contents(body.content)}
    return {"description": body.says, **described} if body.says else described


def _reply(answer: Reply) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.says}
    if answer.headers:
        described["headers"] = {
            name: {"description": says, "schema": {"type": "string"}} for name, says in answer.headers.items()
        }
    if answer.content:
        described["content"] = _contents(answer.content)
    return described


def _contents(contents: Mapping[str, Content | Listed]) -> dict[str, Any]:
    return {media: {"schema": _content(content)} for media, content in contents.items()}


def _content(content: Content | Listed) -> dict[str, Any]:
    if isinstance(content, Listed):
        limit = {} if content.at_most is None else {"maxItems": content.at_most}
        return {"type": "array", "items": _content(content.of), **limit}
    if isinstance(content, Mapping):
        return dict(content)
    return {"$ref": _REFERENCE.format(model=content.__name__)}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    """The models of all bodies and answers, and of what is in them, by name."""
    found: dict[type[BaseModel], None] = {}
    for operation in operations:
        replies = [answer.content for answer in operation.answers().values()]
        for contents in ([operation.body.content] if operation.body else []) + replies:
            for content in contents.values():
                model = content.of if isinstance(content, Listed) else content
                if not isinstance(model, Mapping):
                    found[model] = None
    _, definitions = models_json_schema([(model, "validation") for model in found], ref_template=_REFERENCE)
    schemas: dict[str, Any] = definitions["$defs"]
    return dict(sorted(schemas.items()))


def _schemes() -> dict[str, Any]:
    return {
        f"{token}Token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": says}
        for token, says in _TOKENS.items()
    }
