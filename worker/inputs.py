"""Writes the small files that travelled inside the job's description below its home directory."""

from __future__ import annotations

import binascii
import os
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple

from worker.errors import StagingError
from worker.job import Input
from worker.scratch import create_below


class Placed(NamedTuple):
    """An input that is in place: its bytes, and their SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str

    def document(self) -> Dict[str, Any]:
        """The record as it stands in the report."""
        return self._asdict()


def stage(inputs: Iterable[Input], home: Path, records: List[Placed]) -> None:
    """Write each input below ``home``, mode 0755 where it is executable. Raises StagingError.

    ``records`` gets an entry for each.
    """
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
        records.append(Placed(item.filename, len(content), _sha256(content)))


def _sha256(content: bytes) -> str:
    import hashlib  # takes long to import, and few jobs have inputs

    return hashlib.sha256(content).hexdigest()
