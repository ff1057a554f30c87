"""The values that all ways to an image share."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from worker.images.errors import ImageChecksumError
from worker.job import Credential
from worker.processes import Eviction
from worker.scratch import Scratch


class Image(NamedTuple):
    """An unpacked image: its directory, the SHA-256 of what it came from ("" if none), whether it was there already."""

    path: Path
    sha256: str
    cached: bool


class Kept:
    """What a job has once and keeps until its end.

    ``images`` are those that it resolved, by image, imageSha256 and credential; ``locks`` are descriptors that keep images of
    the store from being deleted.
    """

    def __init__(self) -> None:
        self.images: Dict[Tuple[str, str, Optional[Credential]], Image] = {}
        self.locks: List[int] = []


class Source(NamedTuple):
    """Where a worker's images may come from and go to; ``cache`` is the directory of the image store."""

    scratch: Scratch
    image_dirs: Tuple[str, ...]
    registry_mirror: str
    cache: Path
    eviction: Eviction
    log: Callable[[str], None]
    kept: Kept
    progress: Callable[[int, Optional[int]], None]
    """Told after each piece of a download how many bytes of the image have come, and of how many, where that is known."""


def check_sha256(image: str, expected: str, found: str) -> None:
    """Raise ImageChecksumError where a checksum is ``expected`` and ``found`` is another (both lower-case hex)."""
    if expected and expected != found:
        raise ImageChecksumError(image, expected, found)
