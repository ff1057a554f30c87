"""Writes the small files that travelled inside the job's description below its home directory."""

from __future__ import annotations

import binascii
import os
from pathlib import Path
from typing import Iterable

from worker.errors import StagingError
from worker.job import Input
from worker.scratch import create_below


def stage(inputs: Iterable[Input], home: Path) -> None:
    """Write each input below ``home``, mode 0755 where it is executable. Raises StagingError."""
    for item in inputs:
        try:
            content = binascii.a2b_base64(item.content)
        except ValueError as error:
            raise StagingError(item.filename, "its content is not base64") from error
        descriptor = create_below(home, item.filename, 0o755 if item.executable else 0o644)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        except OSError as error:
            raise StagingError(item.filename, error.strerror or str(error)) from error
