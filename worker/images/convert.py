"""Unpacks an image file or an image layout into a directory, by Apptainer, and says what went wrong."""

from __future__ import annotations

import re
from pathlib import Path

from worker import environment
from worker.errors import RuntimeUnavailableError
from worker.images.errors import ImageCorruptError, ImageDiskFullError, ImageError
from worker.images.source import Source
from worker.images.store import remove_tree
from worker.processes import run

_DISK = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_RUNTIME = re.compile(
    r"determine user account information|create user namespace|user namespaces? (is|are) (disabled|not)", re.IGNORECASE
)
_LAST_WORDS = re.compile(r"^(?:FATAL|ERROR):\s*(.+)$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST = 300


def unpack(image: str, origin: str, target: Path, source: Source) -> None:
    """Unpack ``origin`` (a .sif file, or an address as Apptainer writes it) into the new directory ``target``.

    ``image`` is for messages. Raises ImageError and RuntimeUnavailableError.
    """
    tools = source.scratch.tools
    temporary = tools / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    record = tools / "unpack.log"
    argv = ["apptainer", "-s", "--nocolor", "build", "--sandbox", "--fix-perms", "--disable-cache", str(target), origin]
    try:
        with record.open("wb") as output:
            ended = run(argv, environment.tool(tools), source.eviction, output.fileno(), output.fileno(), tools)
    finally:
        remove_tree(temporary)
    if ended.exit_code != 0 or not target.is_dir():
        said = _COLOUR.sub("", record.read_text(encoding="utf-8", errors="replace"))
        source.log(f"unpacking {image} failed with exit code {ended.exit_code}: {said.strip()}")
        if _RUNTIME.search(said):
            raise RuntimeUnavailableError(_last_words(said))
        raise failure(image, said)


def failure(image: str, said: str) -> ImageError:
    """The error behind what Apptainer said when it could not unpack an image."""
    return ImageDiskFullError(image) if _DISK.search(said) else ImageCorruptError(image, _last_words(said))


def _last_words(said: str) -> str:
    found = _LAST_WORDS.findall(said)
    words = found[-1] if found else said.strip().rpartition("\n")[2] or "no reason was given"
    return str(words)[:_LONGEST].rstrip(".")
