"""Folders of submissions on the disk: found, looked at, and taken away as a whole.

Races thought of:
- A folder is renamed before it is deleted: whoever is killed leaves a whole folder, or one that is surely rubbish.
- A retry with an idempotency key may be using a folder: it holds the folder's lock, and then the folder stays. If it used it
  since it was looked at, something in it is younger.
- A folder is a worker's doing as well: no link is followed, and `rm` is not stopped by depth.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from api.jobs.sandbox import EVENT_LOG, JOB_FILE
from api.records.errors import NotDeleted
from api.records.retention import Folder
from api.workflows.plan import workflow_name

_NAME = re.compile(r"[0-9a-f]{32}")
_RUBBISH = ".swept-"
_LIMIT = 3600
"""Seconds that the deletion of some folders may take."""


@dataclass(frozen=True)
class Leftovers:
    """The folders below `folder`."""

    folder: Path

    def names(self) -> Iterator[str]:
        """Names of submissions that have a folder, in no order, without holding them all. OSError."""
        return self._matching(lambda name: _NAME.fullmatch(name) is not None)

    def rubbish(self) -> Iterator[str]:
        """Names of folders that somebody was about to delete. OSError."""
        return self._matching(lambda name: name.startswith(_RUBBISH))

    def look(self, name: str) -> Folder | None:
        """What can be seen of a folder; None where it is gone. OSError."""
        path = self.folder / name
        filled, log = _time(path / JOB_FILE), _time(path / EVENT_LOG)
        itself = _time(path)
        if itself is None:
            return None
        family = workflow_name(name)
        in_workflow = name != family and _time(self.folder / family) is not None
        written = max(itself, filled or 0, log or 0)
        return Folder(name, written, filled, queued=log is not None, in_workflow=in_workflow)

    def take(self, folder: Folder, before: Callable[[], None]) -> str | None:
        """Renames a folder, and gives the new name, unless it is in use or has changed; does `before` just before. OSError."""
        path = self.folder / folder.name
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self.look(folder.name) != folder:
                return None
            before()
            rubbish = f"{_RUBBISH}{folder.name}-{secrets.token_hex(4)}"
            path.rename(self.folder / rubbish)
        except (BlockingIOError, FileNotFoundError):
            return None
        finally:
            os.close(descriptor)
        return rubbish

    def delete(self, names: Sequence[str]) -> None:
        """Deletes folders of rubbish with all that is in them. NotDeleted."""
        if not names:
            return
        command = ["rm", "-rf", "--one-file-system", "--", *(str(self.folder / name) for name in names)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
        except subprocess.TimeoutExpired as error:
            raise NotDeleted(len(names), f"not done within {_LIMIT} s") from error
        if done.returncode:
            raise NotDeleted(len(names), done.stderr.strip()[-300:])

    def _matching(self, wanted: Callable[[str], bool]) -> Iterator[str]:
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if wanted(entry.name) and entry.is_dir(follow_symlinks=False):
                    yield entry.name


def _time(path: Path) -> float | None:
    with suppress(FileNotFoundError):
        return path.lstat().st_mtime
    return None
