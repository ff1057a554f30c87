"""Where messages about active jobs go: a file each, beside the folders of jobs.

An address is nobody's business but its user's, so it stands in no ad; and the folder of a job is written to by its worker,
which must not choose who gets mail, so it does not stand there either. The file comes before the job is in the queue, and is
deleted when the message is queued: a job that is recorded again has no message again.

A job that is to stay in the queue when it has ended is recorded long after that: it has a second file, by which its end is
seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.jobs import folder

FOLDER = ".notify"
LEFT_FOLDER = ".notify-left"
"""Names of the folders below that of jobs; no submission has a name that begins with a dot."""
_LARGEST = 16 * 2**20
_LONGEST = 254
_LOCAL_PART = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_DOMAIN = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
_ADDRESS = re.compile(f"{_LOCAL_PART}@{_DOMAIN}", re.ASCII)


def is_address(text: str) -> bool:
    """Whether mail can be sent to `text`: ASCII without quoting, as every mail server takes it (RFC 5321, Mailbox)."""
    return len(text) <= _LONGEST and _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True)
class Addresses:
    """The addresses of active jobs and workflows whose folders are below `sandboxes`, by submission."""

    sandboxes: Path

    def keep(self, submission: str, address: str, left: Mapping[str, Any] | None = None) -> None:
        """Notes where the message about a submission goes, readable by this account alone. Raises OSError.

        `left` are the attributes that never change of a job that stays in the queue when it has ended.
        """
        _write(self._file(submission), address)
        if left is not None:
            _write(self._left(submission), json.dumps(left))

    def find(self, submission: str) -> str | None:
        """Where the message about a submission goes; None where there is to be none, or it is queued already."""
        text = folder.read(self._file(submission), _LONGEST)
        # A machine that lost power may leave half a file.
        return text.decode() if text and text.isascii() and is_address(text.decode()) else None

    def left(self) -> list[str]:
        """The submissions that stay in the queue when they have ended, and of which no message is queued yet."""
        return _names(self.sandboxes / LEFT_FOLDER)

    def facts(self, submission: str) -> dict[str, Any] | None:
        """What was noted of one of those; None where that cannot be read."""
        try:
            found = json.loads(folder.read(self._left(submission), _LARGEST) or b"")
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def discard(self, submission: str) -> None:
        """Forgets the address."""
        for file in (self._file(submission), self._left(submission)):
            folder.discard(file)

    def tidy(self) -> None:
        """Forgets the addresses of submissions whose folders are gone: of these nothing can come any more."""
        for folder_name in (FOLDER, LEFT_FOLDER):
            for submission in _names(self.sandboxes / folder_name):
                # The folder is there before the address is.
                if not (self.sandboxes / submission).exists():
                    self.discard(submission)

    def _file(self, submission: str) -> Path:
        return self.sandboxes / FOLDER / submission

    def _left(self, submission: str) -> Path:
        return self.sandboxes / LEFT_FOLDER / submission


def _names(at: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in at.iterdir())
    except FileNotFoundError:
        return []


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    folder.overwrite(file, text)
