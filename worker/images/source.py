"""The values that all ways to an image share."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, NamedTuple, Tuple

from worker.errors import ImageChecksumError
from worker.processes import Eviction
from worker.scratch import Scratch


class Image(NamedTuple):
    """An unpacked image: its directory, the SHA-256 of what it came from ("" if none), whether it was there already."""

    path: Path
    sha256: str
    cached: bool


class Source(NamedTuple):
    """Where a worker's images may come from and go to; ``cache`` is the directory of the image store."""

    scratch: Scratch
    image_dirs: Tuple[str, ...]
    registry_mirror: str
    cache: Path
    eviction: Eviction
    log: Callable[[str], None]


def check_sha256(image: str, expected: str, found: str) -> None:
    """Raise ImageChecksumError where a checksum is ``expected`` and ``found`` is another (both lower-case hex)."""
    if expected and expected != found:
        raise ImageChecksumError(image, expected, found)
