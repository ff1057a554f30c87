"""The documents of the data routes, read by the same rules as jobs."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from pydantic import Field, ValidationError

from api.documents.base import Document
from api.documents.errors import InvalidDocument
from api.documents.sentences import first_problem
from api.documents.strict_json import load
from api.documents.text import Line
from api.documents.wording import kind


class FileRequest(Document):
    """What is common to all files that somebody wants to send."""

    checksum: str | None = Field(default=None, description="The file's SHA-256, SHA-1 or MD5 in hexadecimal.")
    size: int | None = Field(default=None, ge=0, description="The file's size in bytes.")
    headers: bool = Field(
        default=False, description="Whether the sender can repeat the `headers` that the answer may then have."
    )
    nullable: ClassVar[frozenset[str]] = frozenset({"checksum"})


class UploadRequest(FileRequest):
    """What somebody wants to upload."""

    filename: str = Field(description="The object's name; with '/', its first part is one of your groups.")


class OutputRequest(FileRequest):
    """What a running job wants to store."""

    name: str = Field(description="The output's name.")


class CheckpointRequest(FileRequest):
    """What a running job wants to save: the one checkpoint that it has."""


class ArtifactRequest(Document):
    """Which of its artifacts a running job wants to fetch."""

    url: Line = Field(description="The artifact's url in the job's document, with the job's parameters replaced.")
    first: int = Field(
        default=0,
        ge=0,
        description="Of an artifact that all instances of a job leave, the first that is wanted: the `next` of an answer.",
    )


_Request = TypeVar("_Request", UploadRequest, OutputRequest, CheckpointRequest, ArtifactRequest)


def parse(body: bytes, model: type[_Request]) -> _Request:
    """The request that the body describes. InvalidDocument names the first thing that is wrong."""
    tree = load(body)
    if not isinstance(tree, dict):
        raise InvalidDocument("", f"the body must be a JSON object, not {kind(tree)}")
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise first_problem(error, model) from None
