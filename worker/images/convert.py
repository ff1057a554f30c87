"""Unpacks an image file or a registry's image into a directory, by Apptainer, and says what went wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping, Sequence

from worker import environment
from worker.errors import (
    ImageCorruptError,
    ImageCredentialsError,
    ImageDiskFullError,
    ImageError,
    ImageNetworkError,
    ImageNotFoundError,
    ImageRateLimitError,
    RuntimeUnavailableError,
)
from worker.images.source import Source
from worker.images.store import remove_tree
from worker.processes import run

_DISK = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_RATE = re.compile(r"toomanyrequests|too many requests|status code 429", re.IGNORECASE)
_REFUSED = re.compile(r"unauthorized|authentication required|access to the resource is denied|denied:", re.IGNORECASE)
_MISSING = re.compile(r"manifest unknown|name unknown|status code 404", re.IGNORECASE)
_NETWORK = re.compile(
    r"dial tcp|connection re(fused|set)|no such host|i/o timeout|TLS handshake|deadline exceeded|status code 50\d"
    r"|received unexpected HTTP status|network is unreachable|pinging container registry"
    # A layer that ended early or is not what its digest says: this registry could not give it, another one or try may.
    r"|failed to get: .*(\bEOF\b|error verifying)",
    re.IGNORECASE,
)
_RUNTIME = re.compile(
    r"determine user account information|create user namespace|user namespaces? (is|are) (disabled|not)", re.IGNORECASE
)
_LAST_WORDS = re.compile(r"^(?:FATAL|ERROR):\s*(.+)$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST = 300


def unpack(
    image: str,
    origin: str,
    target: Path,
    source: Source,
    where: str = "",
    options: Sequence[str] = (),
    secrets: Mapping[str, str] = {},
) -> None:
    """Unpack ``origin`` (a .sif file, or an address as Apptainer writes it) into the new directory ``target``.

    ``secrets`` are environment variables for Apptainer; ``image`` and ``where`` are for messages. Raises ImageError and
    RuntimeUnavailableError.
    """
    tools = source.scratch.tools
    temporary = tools / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    record = tools / "unpack.log"
    argv = [
        "apptainer",
        "-s",
        "--nocolor",
        "build",
        "--sandbox",
        "--fix-perms",
        "--disable-cache",
        *options,
        str(target),
        origin,
    ]
    try:
        with record.open("wb") as output:
            ended = run(
                argv, {**environment.tool(tools), **secrets}, source.eviction, output.fileno(), output.fileno(), tools
            )
    finally:
        remove_tree(temporary)
    if ended.exit_code != 0 or not target.is_dir():
        said = _COLOUR.sub("", record.read_text(encoding="utf-8", errors="replace"))
        source.log(f"unpacking {image} failed with exit code {ended.exit_code}: {said.strip()}")
        if _RUNTIME.search(said):
            raise RuntimeUnavailableError(_last_words(said))
        raise failure(image, said, where, given=bool(secrets))


def failure(image: str, said: str, where: str, given: bool) -> ImageError:
    """The error behind what Apptainer said when it could not unpack an image.

    ``where`` is the registry, empty for a file; ``given`` is whether a credential was.
    """
    if _DISK.search(said):
        return ImageDiskFullError(image)
    if where:
        if _RATE.search(said):
            return ImageRateLimitError(image, where)
        if _REFUSED.search(said):
            return ImageCredentialsError(image, where, given)
        if _MISSING.search(said):
            return ImageNotFoundError(image, where)
        if _NETWORK.search(said):
            return ImageNetworkError(image, where, _last_words(said))
    return ImageCorruptError(image, _last_words(said))


def _last_words(said: str) -> str:
    found = _LAST_WORDS.findall(said)
    words = found[-1] if found else said.strip().rpartition("\n")[2] or "no reason was given"
    return str(words)[:_LONGEST].rstrip(".")
