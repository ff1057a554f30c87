"""Images in registries. The worker's mirror, where there is one, is asked before Docker Hub.

The registry is always asked for the digest, so a private image in the store opens only to who may fetch it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Sequence

from worker.errors import ImageCorruptError, ImageDiskFullError, ImageError
from worker.images import convert, registry
from worker.images.reference import DOCKER_HUB, DockerName
from worker.images.registry import Registry
from worker.images.retry import retrying
from worker.images.source import Image, Source, check_sha256
from worker.images.store import Store
from worker.job import Credential


def obtain(name: DockerName, expected: str, credential: Optional[Credential], source: Source) -> Image:
    """The image behind a name, whose digest must be ``expected`` (hexadecimal, or empty). Raises ImageError."""
    return retrying(lambda: _from_any(name, expected, credential, source), source.log)


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


def _from_any(name: DockerName, expected: str, credential: Optional[Credential], source: Source) -> Image:
    errors: List[ImageError] = []
    for one in registries(name, source.registry_mirror):
        try:
            return _from_one(one, name, expected, credential, source)
        except (ImageDiskFullError, ImageCorruptError):
            raise  # it was found and fetched: another registry has nothing better
        except ImageError as error:
            source.log(f"{one.host}: {error.message}")
            errors.append(error)
    worst = telling(errors)
    if not worst.transient and any(error.transient for error in errors):
        raise _PartialAnswerError(worst)
    raise worst


def _from_one(
    one: Registry, name: DockerName, expected: str, credential: Optional[Credential], source: Source
) -> Image:
    digest = registry.digest(one, name, credential)
    found = digest.partition(":")[2]
    check_sha256(name.text, expected, found)
    origin = f"docker://{one.host}/{name.repository}@{digest}"

    def unpack(target: Path) -> str:
        options = ["--no-https"] if one.plain else []
        convert.unpack(name.text, origin, target, source, one.host, options, _secrets(credential))
        return found

    return Store(source.cache).obtain(f"docker-{found}", name.text, unpack)


def _secrets(credential: Optional[Credential]) -> Dict[str, str]:
    if credential is None:
        return {}
    return {"APPTAINER_DOCKER_USERNAME": credential.username, "APPTAINER_DOCKER_PASSWORD": credential.token}
