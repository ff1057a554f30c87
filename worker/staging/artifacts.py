"""Fetches a job's artifacts into its home before the first task, and says what of them is mounted in its containers."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

from worker.scratch import Scratch
from worker.staging import archives, download, links
from worker.staging.documents import Artifact
from worker.staging.errors import ArtifactMountError
from worker.staging.room import Room, writing
from worker.staging.terms import Terms
from worker.staging.tree import Tree
from worker.staging.upload import Service


class Fetched(NamedTuple):
    """An artifact that is in place: bytes as it came, the seconds that this and unpacking took.

    ``sha256`` is in hexadecimal, and "" for an artifact of several files.
    """

    name: str
    size: int
    sha256: str
    time: float

    def document(self) -> Dict[str, Any]:
        """The record as it stands in the report."""
        return {"name": self.name, "size": self.size, "sha256": self.sha256, "time": round(self.time, 3)}


def stage(
    artifacts: Sequence[Artifact],
    scratch: Scratch,
    largest: int,
    service: Service,
    terms: Terms,
    records: List[Fetched],
    clock: Callable[[], float],
) -> None:
    """Fetch the artifacts one after the other; archives are unpacked into the job's home, other files put there.

    All together they may take ``largest`` bytes there. ``service`` knows where those are that have no address. ``records`` gets
    an entry for each; ``clock`` counts seconds. Raises ArtifactError: one that cannot be had ends this.
    """
    room = Room(largest)
    file = scratch.tools / "artifact"
    for artifact in artifacts:
        begun, size, files, sha256 = clock(), 0, 0, ""
        terms.turned_to(artifact.shown)
        for one in links.located(artifact, service, terms):
            try:
                content = download.fetch(one, file, room, terms)
                _put(one, file, content.size, scratch.home, room, terms)
            finally:
                file.unlink(missing_ok=True)
            size, files = size + content.size, files + 1
            sha256 = content.sha256 if files == 1 else ""
        records.append(Fetched(artifact.shown, size, sha256, clock() - begun))
        terms.log(f"artifact {artifact.shown}: {size} bytes")
    binds(artifacts, scratch.home)


def binds(artifacts: Sequence[Artifact], home: Path) -> List[Tuple[Path, str]]:
    """What is mounted in a container: pairs of a file or directory on the worker and an absolute path in the container.

    To be asked anew before each container: a task may have put a symbolic link in the place of what is mounted, and the
    runtime would follow it. Raises ArtifactMountError where there is no such file or directory.
    """
    found: List[Tuple[Path, str]] = []
    for artifact in artifacts:
        if not artifact.target:
            continue
        if not _is_mountable(home, artifact.source):
            raise ArtifactMountError(artifact.shown, artifact.source, artifact.target)
        found.append((home / artifact.source, artifact.target))
    return found


def _put(artifact: Artifact, file: Path, size: int, home: Path, room: Room, terms: Terms) -> None:
    place = artifact.place
    if archives.is_archive(place.name):
        archives.unpack(artifact.shown, place.name, file, home, room, terms.check, place.parent.parts)
        return
    room.take(artifact.shown, size)
    with writing(artifact.shown), closing(Tree(home, lambda: room.take(artifact.shown, 0))) as tree:
        tree.take(file, place.parts, 0o755 if artifact.executable else 0o644)


def _is_mountable(home: Path, name: str) -> bool:
    if "/" in name or name in ("", ".", ".."):
        return False
    try:
        mode = (home / name).lstat().st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) or stat.S_ISREG(mode)
