"""A job as it is shown: the document that was submitted, with and without what only the service may know."""

from typing import Any

from api.documents.base import Document
from api.documents.job import Job
from api.documents.secret import REDACTED, is_secret
from api.documents.staging import InputFile


def as_submitted(job: Job) -> dict[str, Any]:
    """The document on the wire: camelCase, and only the fields that the user set. It holds secrets."""
    return job.model_dump(mode="json", by_alias=True, exclude_unset=True)


def redacted(job: Job) -> dict[str, Any]:
    """The submitted document without secrets (each is "[redacted]") and without the content of its inputs."""
    return _shown(job)


def _shown(document: Document) -> dict[str, Any]:
    wire = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for name in document.model_fields_set:
        field = type(document).model_fields[name]
        wire[str(field.alias)] = (
            REDACTED if is_secret(field) else _value(getattr(document, name), wire[str(field.alias)])
        )
    if isinstance(document, InputFile):
        del wire["content"]
    return wire


def _value(value: Any, wire: Any) -> Any:
    """The value as shown: documents in it redacted, anything else as it is on the wire."""
    if isinstance(value, Document):
        return _shown(value)
    if isinstance(value, tuple) and any(isinstance(entry, Document) for entry in value):
        return [_shown(entry) for entry in value]
    return wire
