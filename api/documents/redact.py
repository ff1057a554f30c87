"""A job or workflow as it is shown: the document that was submitted, with and without what only the service may know."""

from typing import Any

from api.documents.base import Document
from api.documents.secret import REDACTED, is_secret
from api.documents.staging import InputFile


def as_submitted(document: Document) -> dict[str, Any]:
    """The document on the wire: camelCase, and only the fields that the user set. It holds secrets."""
    return document.model_dump(mode="json", by_alias=True, exclude_unset=True)


def redacted(document: Document) -> dict[str, Any]:
    """The submitted document without secrets (each is "[redacted]") and without the content of its inputs."""
    wire = as_submitted(document)
    _redact(document, wire)
    return wire


def _redact(document: Document, wire: dict[str, Any]) -> None:
    """Takes out of `wire`, what `document` is on the wire, all that is not shown."""
    for name in document.model_fields_set:
        field = type(document).model_fields[name]
        alias, value = str(field.alias), getattr(document, name)
        if is_secret(field):
            wire[alias] = REDACTED
        elif isinstance(value, Document):
            _redact(value, wire[alias])
        elif isinstance(value, tuple):
            for entry, shown in zip(value, wire[alias], strict=True):
                if isinstance(entry, Document):
                    _redact(entry, shown)
    if isinstance(document, InputFile):
        del wire["content"]
