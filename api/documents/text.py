"""Kinds of text in documents: single lines, names, and paths of several sorts.

Every check looks at the whole string (a trailing newline is never overlooked) and nothing is changed or
evaluated: what the user wrote is what later stages get.
"""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

from api.documents import patterns
from api.documents.base import Says, broken
from api.documents.wording import shown

MAX_TEXT = 100_000
"""Characters in a command or a value: below what Linux passes in one argument or variable (131,072 bytes)."""
MAX_LINE = 4096
"""Characters in a path, an image or a URL."""
MAX_NAME = 512
"""Characters in names, labels, user names and the like."""
MAX_COMPONENT = 255
"""Bytes in one component of a path, the limit of the usual file systems."""

_CONTROL = re.compile(f"[{patterns.CONTROLS}]")
_HTTP_URL = re.compile(patterns.HTTP_URL)


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
    return _HTTP_URL.fullmatch(value) is not None


def saying(pattern: str) -> Says:
    """That the whole text matches the pattern, for the JSON schema alone."""
    return Says({"pattern": patterns.whole(pattern)})


Line = Annotated[str, Field(min_length=1, max_length=MAX_LINE), AfterValidator(without_control), saying(patterns.LINE)]
"""Text on one line, not empty."""
Word = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(without_control), saying(patterns.LINE)]
"""A name, user name or site: one short line, not empty."""
RelativeFile = Annotated[Line, AfterValidator(relative_file), saying(patterns.RELATIVE_FILE)]
"""The name of a file below the job's directory."""
MountPoint = Annotated[Line, AfterValidator(mount_point), saying(patterns.MOUNT_POINT)]
"""An absolute path in a container."""

_LABEL_VALUE = r"[\w\-./]+"  # letters and digits of all scripts, which the JSON schema has to spell otherwise

JobName = Annotated[
    str,
    Field(max_length=MAX_NAME),
    AfterValidator(
        matching(patterns.JOB_NAME, "may only have letters (A-Z, a-z), digits, '-', '_', '.', '/' and blanks")
    ),
    saying(patterns.JOB_NAME),
]
LabelKey = Annotated[
    str,
    Field(min_length=1, max_length=MAX_NAME),
    AfterValidator(matching(patterns.LABEL_KEY, "must have a key of letters (A-Z, a-z) and digits only")),
    saying(patterns.LABEL_KEY),
]
LabelValue = Annotated[
    str,
    Field(min_length=1, max_length=MAX_NAME),
    AfterValidator(matching(_LABEL_VALUE, "may only have letters, digits, '_', '-', '.' and '/'")),
    saying(patterns.LABEL_VALUE),
]
