"""Kinds of text in documents: single lines, names, and paths of several sorts.

Every check looks at the whole string (a trailing newline is never overlooked) and nothing is changed or
evaluated: what the user wrote is what later stages get.
"""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from api.documents.base import broken
from api.documents.wording import shown

MAX_TEXT = 100_000
"""Characters in a command or a value: below what Linux passes in one argument or variable (131,072 bytes)."""
MAX_LINE = 4096
"""Characters in a path, an image or a URL."""
MAX_NAME = 512
"""Characters in names, labels, user names and the like."""
MAX_COMPONENT = 255
"""Bytes in one component of a path, the limit of the usual file systems."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def without_nul(value: str) -> str:
    """Refuse NUL, which neither arguments nor environment variables nor file names can hold."""
    if "\0" in value:
        raise broken("must not contain a NUL character")
    return value


def without_control(value: str) -> str:
    """Refuse control characters, line breaks and tabs among them."""
    if _CONTROL.search(value):
        raise broken("must be one line without control characters")
    return value


def matching(pattern: str, says: str) -> Callable[[str], str]:
    """A check that the whole value matches the pattern; ``says`` is what the sentence asks for."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise broken(f"{says}, not {shown(value)}")
        return value

    return check


def without_parent(value: str) -> str:
    """Refuse a path with a ``..`` component."""
    if ".." in value.split("/"):
        raise broken(f"must not contain '..', but is {shown(value)}")
    return value


def relative_file(value: str) -> str:
    """Refuse what is not the name of a file below the directory it is used in."""
    parts = value.split("/")
    if not parts[0] or parts[-1] in ("", ".", "..") or ".." in parts:
        raise broken(f"must be a relative file name inside the job's directory, without '..', not {shown(value)}")
    if any(len(part.encode()) > MAX_COMPONENT for part in parts):
        raise broken(f"must not have a component of more than {MAX_COMPONENT} bytes")
    return value


def mount_point(value: str) -> str:
    """Refuse what cannot be mounted on; ``:`` and ``,`` separate the parts of a runtime's bind option."""
    if not value.startswith("/") or not value.strip("/.") or ":" in value or "," in value:
        raise broken(f"must be an absolute path below '/', without ':' and ',', not {shown(value)}")
    return without_parent(value)


def is_http_url(value: str) -> bool:
    """Whether the value is an http or https URL with a host, and without blanks."""
    try:
        parts = urlsplit(value)
    except ValueError:  # an unbalanced bracket in the host
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", value)


Line = Annotated[str, Field(min_length=1, max_length=MAX_LINE), AfterValidator(without_control)]
"""Text on one line, not empty."""
Word = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(without_control)]
"""A name, user name or site: one short line, not empty."""
RelativeFile = Annotated[Line, AfterValidator(relative_file)]
"""The name of a file below the job's directory."""
MountPoint = Annotated[Line, AfterValidator(mount_point)]
"""An absolute path in a container."""

JOB_NAME_PATTERN = r"[A-Za-z0-9\-_ ./]*"
LABEL_KEY_PATTERN = r"[A-Za-z0-9]+"
LABEL_VALUE_PATTERN = r"[\w\-./]+"

JobName = Annotated[
    str,
    Field(max_length=MAX_NAME, json_schema_extra={"pattern": f"^{JOB_NAME_PATTERN}$"}),
    AfterValidator(
        matching(JOB_NAME_PATTERN, "may only have letters (A-Z, a-z), digits, '-', '_', '.', '/' and blanks")
    ),
]
LabelKey = Annotated[
    str,
    Field(min_length=1, max_length=MAX_NAME),
    AfterValidator(matching(LABEL_KEY_PATTERN, "must have a key of letters (A-Z, a-z) and digits only")),
]
LabelValue = Annotated[
    str,
    Field(min_length=1, max_length=MAX_NAME, json_schema_extra={"pattern": f"^{LABEL_VALUE_PATTERN}$"}),
    AfterValidator(matching(LABEL_VALUE_PATTERN, "may only have letters, digits, '_', '-', '.' and '/'")),
]
