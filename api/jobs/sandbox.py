"""A job's folder: what it is given, and what it wrote.

The folder is named by the job's submission. HTCondor reads and writes it under the same path, as the same account.

Races thought of: two requests with one idempotency key meet at a lock on the folder, which the kernel frees when a process
dies. The folder stands before the job is in the queue, and the file `id` after it: a folder without `id` means that a
submission was begun, and the queue is asked what became of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.jobs import folder

JOB_FILE = "job.json"
TOKEN_FILE = "token"  # noqa: S105 - the name of a file
REPORT_FILE = "report.json"
PROGRESS_FILE = "progress.json"
"""What the executor says that it does at the moment; of the present run where it is younger than that (worker/live.py)."""
LOG_FILE = "executor.log"
EVENT_LOG = "events.log"
"""HTCondor's event log of the job (submit command `log`)."""
_ID_FILE = "id"
_DELETED_FILE = "deleted"
"""Of a job with checkpoints that its user has deleted; its executor looks for it (worker/checkpoints/fate.py)."""
_REQUEST_FILE = "request"
_LARGEST_REPORT = 16 * 2**20
_LARGEST_PROGRESS = 2**16
_ROUNDED = 1.0
"""Seconds that a run may have begun before it is said to have. Between two runs there is more."""


@dataclass(frozen=True)
class Sandbox:
    """The folder of one submission."""

    path: Path

    @property
    def name(self) -> str:
        """The submission's name."""
        return self.path.name

    def fill(self, job: Mapping[str, Any], token: str) -> None:
        """Writes what the job is given, readable by the service's account alone; replaces what an earlier try left."""
        self.path.mkdir(mode=0o700, exist_ok=True)
        # Nobody reads these before the job is in the queue, and a retry writes them again.
        folder.overwrite(self.path / JOB_FILE, json.dumps(job))
        folder.overwrite(self.path / TOKEN_FILE, token)

    def note_deletion(self) -> None:
        """Notes that the job is about to be deleted: its executor need not save anything for a next run."""
        with suppress(FileNotFoundError):  # the folder has gone
            folder.overwrite(self.path / _DELETED_FILE, "")

    def deletion(self) -> int | None:
        """When the job's deletion was noted, epoch seconds; None where it was not."""
        found = folder.signature(self.path / _DELETED_FILE)
        return None if found is None else found[1] // 10**9

    def discard(self) -> None:
        """Deletes the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    def job_id(self) -> int | None:
        """The id that was acknowledged for this submission, if it was."""
        text = _read(self.path / _ID_FILE)
        return int(text) if text else None

    def remember_id(self, number: int) -> None:
        """Notes the id that is about to be acknowledged."""
        _write(self.path / _ID_FILE, str(number))

    def request(self) -> str | None:
        """Fingerprint of the document that this submission was begun with."""
        return _read(self.path / _REQUEST_FILE)

    def remember_request(self, fingerprint: str) -> None:
        """Notes the fingerprint of the document."""
        _write(self.path / _REQUEST_FILE, fingerprint)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder and holds it for one process at a time.

        Whoever held it before may have discarded it: a lock on a folder that is no longer there protects nothing.
        """
        while True:
            with suppress(FileExistsError):
                self.path.mkdir(mode=0o700)
            try:
                descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if _is_at(self.path, descriptor):
                    yield
                    return
            finally:
                os.close(descriptor)

    def job(self) -> dict[str, Any] | None:
        """What the executor was told, secrets included; None where it is no longer kept."""
        text = _read(self.path / JOB_FILE)
        return json.loads(text) if text else None

    def report(self) -> dict[str, Any] | None:
        """What the executor reported, or None while there is nothing that can be read."""
        return _object(folder.read(self.path / REPORT_FILE, _LARGEST_REPORT))

    def progress(self, began: float) -> dict[str, Any] | None:
        """What the run that began at `began` (epoch seconds) said last of what it does, None where it said nothing yet.

        What an earlier run said is older: this machine's clock wrote both times.
        """
        path = self.path / PROGRESS_FILE
        found = folder.signature(path)
        if found is None or found[1] < (began - _ROUNDED) * 1e9:
            return None
        return _object(folder.read(path, _LARGEST_PROGRESS))


def _write(path: Path, text: str) -> None:
    """Writes a file that is whole or absent whenever the process dies: an empty `request` would refuse every retry."""
    temporary = path.with_name(f".{path.name}.new")
    folder.overwrite(temporary, text)
    temporary.rename(path)


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _object(text: bytes | None) -> dict[str, Any] | None:
    """The JSON object in a file, None where there is none that can be read."""
    try:
        decoded = json.loads(text or b"", parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
