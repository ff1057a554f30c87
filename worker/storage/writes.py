"""What of a job's writes is not stored at the server yet, as rclone's own cache and log say, and how long to wait for it.

The cache has a small JSON file for each file that was opened for writing, ``Dirty`` from before the open succeeds until the
server has the file. A description that cannot be read, or does not say, counts as not stored.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional

QUIET = 30.0
"""Seconds without progress after which the server is asked whether it is still there."""
LIMIT = 330.0
"""Seconds without progress after which waiting ends. rclone pauses for up to 300 s between two tries to store a file."""
TRIES = 3
"""Waiting also ends when so many tries for each file have failed while this waited."""
_LEAST = 60_000
"""Bytes that count as progress."""
_TAIL = 256 * 1024
_LONGEST = 300
_FAILED_TRY = re.compile(r"failed to upload try #\d+, will retry in [^:]*: (.*)", re.DOTALL)
_PLAIN = re.compile(r"^[0-9/]{10} [0-9:]{8} (?:[A-Z]+ *: )?")


def unsaved(cache: Path) -> List[str]:
    """The names of the files below the storage that are not stored yet."""
    top = cache / "vfsMeta"
    found = []
    for directory, _, names in os.walk(top):
        for name in names:
            file = Path(directory) / name
            if _is_dirty(file):
                found.append("/".join(file.relative_to(top).parts[1:]))
    return sorted(found)


def _is_dirty(file: Path) -> bool:
    try:
        return json.loads(file.read_bytes())["Dirty"] is not False
    except FileNotFoundError:
        return False  # it left the cache, which only files do that are stored or were deleted
    except (OSError, ValueError, KeyError, TypeError):
        return True


def written(pid: int) -> int:
    """Bytes that a process has written so far, to files and to the network; 0 for one that has ended."""
    try:
        text = Path(f"/proc/{pid}/io").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(text.partition("wchar: ")[2].split()[0])


class Complaint(NamedTuple):
    """A line of the log: what it is about ("" for nothing in particular), and what it says."""

    about: str
    text: str

    @property
    def failed_try(self) -> bool:
        """Whether it says that a file could not be stored this time."""
        return _FAILED_TRY.search(self.text) is not None

    @property
    def reason(self) -> str:
        """What it says, short, and without what rclone says about itself."""
        found = _FAILED_TRY.search(self.text)
        text = (found.group(1) if found else self.text).strip()
        return text.replace("vfs cache: failed to transfer file from cache to remote: ", "")[:_LONGEST].rstrip(". ")


def complaints(log: Path, start: int = 0) -> List[Complaint]:
    """The lines of a log from the byte ``start`` on, the last of them where they are many."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(start, end - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    return [_complaint(line) for line in lines if line.strip()]


def _complaint(line: str) -> Complaint:
    try:
        entry = json.loads(line)
        return Complaint(str(entry.get("object", "")), str(entry["msg"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Complaint("", _PLAIN.sub("", line))


def refused(files: Iterable[str], said: Iterable[Complaint]) -> Optional[str]:
    """Why the server does not take ``files``, where TRIES tries for each of them have failed; else None."""
    failed: Dict[str, int] = {}
    last = None
    for one in said:
        if one.failed_try:
            failed[one.about] = failed.get(one.about, 0) + 1
            last = one.reason
    return last if all(failed.get(name, 0) >= TRIES for name in files) else None


class Patience:
    """How long there has been no progress: no file fewer to store, and next to no byte written."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._left: Optional[int] = None
        self._written = 0

    def idle(self, now: float, left: int, written: int) -> float:
        """Seconds without progress, with ``left`` files to store and so many bytes ``written`` at ``now``."""
        if self._left is None or left < self._left or written - self._written >= _LEAST:
            self._since, self._left, self._written = now, left, written
        return now - self._since
