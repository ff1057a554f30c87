"""What marks a secret field: a schema keyword for readers, no value in ``repr``, and redaction in answers."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic.fields import FieldInfo

from api.documents import patterns
from api.documents.text import saying, without_control

REDACTED = "[redacted]"
"""What stands in an answer where a secret was submitted."""
MAX_SECRET = 16_384
"""Characters in a password or token."""

Secret = Annotated[
    str,
    Field(min_length=1, max_length=MAX_SECRET, repr=False, json_schema_extra={"writeOnly": True}),
    AfterValidator(without_control),
    saying(patterns.LINE),
]
"""A password or token: accepted, never shown again."""


def is_secret(field: FieldInfo) -> bool:
    """Whether the field is write-only."""
    extra: Any = field.json_schema_extra
    return isinstance(extra, dict) and extra.get("writeOnly") is True
