"""Images in registries. The worker's mirror, where there is one, is asked before Docker Hub.

The registry is always asked for the digest, so a private image in the store opens only to who may fetch it.
"""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Sequence

from worker.images import registry, web
from worker.images.errors import ImageCorruptError, ImageDiskError, ImageDiskFullError, ImageError
from worker.images.reference import DOCKER_HUB, DockerName
from worker.images.registry import Access, Registry
from worker.images.retry import retrying
from worker.images.source import Image, Source, check_sha256
from worker.images.store import Store, remove_tree
from worker.job import Credential
from worker.staging.terms import Pace, Terms


def obtain(
    name: DockerName, expected: str, credential: Optional[Credential], source: Source, pace: Pace = web.TRANSFER
) -> Image:
    """The image behind a name, whose digest must be ``expected`` (hexadecimal, or empty). Raises ImageError."""
    return retrying(lambda: _from_any(name, expected, credential, source, pace), source.log)


def registries(name: DockerName, mirror: str) -> List[Registry]:
    """Where to ask for a name, in order."""
    first = registry.of_mirror(mirror) if mirror and name.host == DOCKER_HUB else None
    return [*([first] if first else []), registry.of_host(name.host)]


def telling(errors: Sequence[ImageError]) -> ImageError:
    """The error to report of those of several registries: one that another try would not change, else the last."""
    return next((error for error in errors if not error.transient), errors[-1])


class _PartialAnswerError(ImageError):
    """No registry gave the image, and another try may help: one of them could not be asked."""

    transient = True

    def __init__(self, cause: ImageError) -> None:
        super().__init__(cause.image, cause.message)
        self.code = cause.code


def _from_any(name: DockerName, expected: str, credential: Optional[Credential], source: Source, pace: Pace) -> Image:
    errors: List[ImageError] = []
    for one in registries(name, source.registry_mirror):
        try:
            return _from_one(Access(one, name, credential), expected, source, pace)
        except (ImageDiskError, ImageDiskFullError, ImageCorruptError):
            raise  # it was found and fetched: another registry has nothing better
        except ImageError as error:
            source.log(f"{one.host}: {error.message}")
            errors.append(error)
    worst = telling(errors)
    if not worst.transient and any(error.transient for error in errors):
        raise _PartialAnswerError(worst)
    raise worst


def _from_one(access: Access, expected: str, source: Source, pace: Pace) -> Image:
    image = access.name.text
    digest = access.digest()
    found = digest.partition(":")[2]
    check_sha256(image, expected, found)

    def unpack(target: Path) -> None:
        from worker.images import convert, pull  # an image that is there, the fastest way, does without

        layout = source.scratch.tools / "layout"
        remove_tree(layout)
        try:
            terms = Terms(source.eviction.check, source.log, pace, web.TRIES)
            with web.network_errors(image):
                pull.pull(access, digest, layout, terms, source.progress)
            convert.unpack(image, f"oci:{layout}", target, source)
        finally:
            remove_tree(layout)

    return Store(source.cache, source.kept.locks).obtain(f"docker-{found}", image, unpack)
