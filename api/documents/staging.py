"""What is put beside a job before it runs and fetched after it: inputs, artifacts and outputs.

Inputs travel in the document itself, so they are small; artifacts are fetched by the worker.
"""

import binascii
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from api.documents import patterns
from api.documents.base import Document, Says, broken
from api.documents.text import (
    MAX_LINE,
    Line,
    RelativeFile,
    is_http_url,
    mount_point,
    saying,
    without_nul,
    without_parent,
)
from api.documents.wording import shown

MAX_INPUT_BYTES = 1_048_576
"""Bytes of one input file, decoded."""
_MAX_BASE64 = -(-MAX_INPUT_BYTES // 3) * 4

_SCHEME = re.compile(patterns.SCHEME)
_BASE64 = re.compile(patterns.BASE64)


def _base64(value: str) -> str:
    # Python's own strict reading lets more padding pass than belongs there, in some versions.
    too_large = broken(f"must decode to at most {MAX_INPUT_BYTES} bytes: upload larger files and use artifacts")
    if len(value) > _MAX_BASE64:
        raise too_large
    if not _BASE64.fullmatch(value):
        raise broken("must be base64 of the standard alphabet, padded and without line breaks")
    if len(value) // 4 * 3 - value.count("=") > MAX_INPUT_BYTES:
        raise too_large
    return value


def _artifact_source(value: str) -> str:
    # URLs are not repeated in messages: a presigned one is a secret.
    if value.startswith("job://"):
        raise broken("names a file of another job, which only a job of a workflow can have")
    if _SCHEME.match(value):
        if not is_http_url(value):
            raise broken("must be an http or https URL with a host and without blanks, or an uploaded object's name")
        return value
    if value.startswith("/"):
        raise broken("must be an http or https URL, or the name of an uploaded object, which has no '/' in front")
    return without_parent(value)


def _artifact_mount(value: str) -> str:
    source, colon, target = value.partition(":")
    if not colon or "/" in source or "," in source or source in ("", ".", ".."):
        raise broken(f"must be 'dir:/abs/path' (a name in the artifact, ':' and an absolute path), not {shown(value)}")
    mount_point(target)
    return value


InputContent = Annotated[
    str,
    AfterValidator(_base64),
    Says({"contentEncoding": "base64", "maxLength": _MAX_BASE64, "pattern": patterns.whole(patterns.BASE64)}),
]
ArtifactUrl = Annotated[
    Line,
    AfterValidator(_artifact_source),
    Says(
        {
            "anyOf": [
                {"pattern": patterns.whole(patterns.HTTP_URL)},
                {"pattern": patterns.whole(patterns.OBJECT_NAME), "not": {"pattern": f"^{patterns.SCHEME}"}},
            ]
        }
    ),
]
ArtifactMount = Annotated[Line, AfterValidator(_artifact_mount), saying(patterns.ARTIFACT_MOUNT)]
OutputPath = Annotated[
    str,
    Field(min_length=1, max_length=MAX_LINE),
    AfterValidator(without_nul),
    AfterValidator(without_parent),
    saying(patterns.OUTPUT_PATH),
]
"""A file or directory to keep, relative to the job's directory or absolute in the container."""


class InputFile(Document):
    """A small file written into the job's directory before its first task."""

    filename: RelativeFile = Field(description="Name of the file, relative to the job's directory.")
    content: InputContent = Field(
        repr=False, description="The file's content in base64, at most 1 MB (1,048,576 bytes) decoded."
    )
    executable: bool = Field(default=False, description="Whether the file may be executed.")

    @property
    def data(self) -> bytes:
        """The file's content, decoded."""
        return binascii.a2b_base64(self.content)


class Artifact(Document):
    """A file or archive fetched before the first task; archives are unpacked."""

    url: ArtifactUrl = Field(description="An http or https URL, or the name of an uploaded object.")
    mountpoint: ArtifactMount | None = Field(
        default=None,
        description="Where to mount a directory of the artifact in the container, as 'dir:/abs/path'.",
    )
    executable: bool = Field(default=False, description="Whether the file may be executed.")

    @property
    def is_upload(self) -> bool:
        """Whether `url` is the name of something uploaded, and no URL."""
        return not _SCHEME.match(self.url)
