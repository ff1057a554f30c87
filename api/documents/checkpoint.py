"""Checkpoints: files of a running job that are kept for the case that it has to start again elsewhere."""

from typing import Annotated

from pydantic import Field

from api.documents.base import Document
from api.documents.policies import MAX_MINUTES
from api.documents.staging import OutputPath

MAX_FILES = 1000


class Checkpoint(Document):
    """Files that are saved while the job runs and when it is moved, and brought back when it starts again."""

    files: Annotated[tuple[OutputPath, ...], Field(strict=False, fail_fast=True, max_length=MAX_FILES)] = Field(
        min_length=1,
        description="Files and directories to save; glob patterns are allowed. What is not there is left out.",
    )
    interval: int = Field(default=15, ge=1, le=MAX_MINUTES, description="Minutes from one save to the next.")
