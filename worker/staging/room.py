"""What is left for the artifacts of one job, so that no archive fills the disk of a worker."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import Iterator

from worker.staging.errors import ArtifactCorruptError, ArtifactDiskFullError, ArtifactTooLargeError

MOST_ENTRIES = 1_000_000
"""Files, directories and links of all artifacts of a job."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Room:
    """The bytes and entries that artifacts may still take; ``largest`` bytes for all of them."""

    def __init__(self, largest: int, entries: int = MOST_ENTRIES) -> None:
        self._largest = largest
        self._entries = entries
        self._bytes_left = largest
        self._entries_left = entries

    def check(self, artifact: str, size: int) -> None:
        """Raise ArtifactTooLargeError where ``size`` bytes are more than is left."""
        if size > self._bytes_left:
            detail = (
                f"with all artifacts of the job it has more than {self._largest} bytes; ask for more in resources.disk"
            )
            raise ArtifactTooLargeError(artifact, detail)

    def take(self, artifact: str, size: int) -> None:
        """Count one entry of ``size`` bytes. Raises ArtifactTooLargeError."""
        self.check(artifact, size)
        self._bytes_left -= size
        self._entries_left -= 1
        if self._entries_left < 0:
            detail = f"the artifacts of a job may have {self._entries} entries; put the files into fewer, larger ones"
            raise ArtifactTooLargeError(artifact, detail)


@contextmanager
def writing(artifact: str) -> Iterator[None]:
    """Turn what the file system refuses into ArtifactDiskFullError, or else ArtifactCorruptError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ArtifactDiskFullError(artifact) from error
        raise ArtifactCorruptError(artifact, error.strerror or str(error)) from error
