"""Brings a job's checkpoint back before its first task, saves it now and then, and a last time when the job is moved elsewhere.

A thread of its own saves while the tasks run, at a lower priority than theirs. What cannot be saved is a warning in the report.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from types import TracebackType
from typing import Callable, NamedTuple, Optional, Tuple, Type

from worker.checkpoints import files, remote
from worker.checkpoints.errors import (
    CheckpointChangingError,
    CheckpointError,
    CheckpointNotRestoredError,
    CheckpointNotSavedError,
)
from worker.checkpoints.record import Record
from worker.job import Checkpoint
from worker.processes import Evicted, Eviction
from worker.progress import RESTORING_CHECKPOINT, SAVING_CHECKPOINT, Progress
from worker.scratch import Scratch
from worker.staging import archives, download
from worker.staging.errors import ArtifactError
from worker.staging.room import Room
from worker.staging.terms import Pace, Terms
from worker.staging.upload import Service

RESTORE_TRIES = 12
"""Some minutes: a service that is away for a while must not cost a job what it has done."""
READ_TRIES = 5
"""How often files that change are read again before a save is given up."""
READ_PAUSE = 1.0
GRACE = 30.0
"""Seconds that a task has, when its job is moved elsewhere, to write down where it is and end."""
MARGIN = 15.0
"""Seconds of those that HTCondor gives an evicted job that are left for its end."""
_LAST_PACE = Pace(silence=20.0, window=20.0, least=20_000)
_NICER = 10
_PATIENCE, _LITTLE_PATIENCE = 10.0, 1.0
"""Seconds for a save that was told to end: before the last one, and where the job has ended and nobody needs it."""


class Around(NamedTuple):
    """What saving has around it. ``now`` gives epoch seconds; ``changed`` is called when the record says something new.

    ``runs_again`` tells of a job that was told to stop whether it may start again.
    """

    scratch: Scratch
    service: Service
    eviction: Eviction
    progress: Progress
    log: Callable[[str], None]
    now: Callable[[], float]
    runs_again: Callable[[], bool]
    changed: Callable[[], None]


class Saving:
    """The checkpoints of a job while the block lasts, which begins with the restored one and has all of its tasks in it.

    Raises CheckpointNotRestoredError where the block would begin.
    """

    def __init__(self, wanted: Checkpoint, around: Around, record: Record, room: int) -> None:
        """``room`` are the bytes that a checkpoint may take when it is brought back."""
        self._wanted = wanted
        self._around = around
        self._record = record
        self._room = room
        self._stop = threading.Event()
        self._kept: Tuple[files.Mark, ...] = ()
        self._again: Optional[bool] = None
        self._thread = threading.Thread(target=self._save_now_and_then, daemon=True)

    def __enter__(self) -> Callable[[], float]:
        self._restore()
        self._thread.start()
        return self.grace

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._stop.set()
        self._thread.join(_PATIENCE if isinstance(error, Evicted) else _LITTLE_PATIENCE)
        if isinstance(error, Evicted) and self._runs_again():
            self._around.progress.enter(SAVING_CHECKPOINT)
            self._save(self._last_terms())

    def grace(self) -> float:
        """Seconds that a task of a job that was told to stop has to write down where it is."""
        return GRACE if self._runs_again() else 0.0

    def _runs_again(self) -> bool:
        if self._again is None:
            self._again = self._around.runs_again()
        return self._again

    def _restore(self) -> None:
        around = self._around
        around.progress.enter(RESTORING_CHECKPOINT)
        terms = Terms(around.eviction.check, around.log, tries=RESTORE_TRIES, moved=around.progress.moved)
        artifact = remote.latest(around.service, terms)
        if artifact is None:
            return
        file, home, room = around.scratch.tools / remote.ARCHIVE, around.scratch.home, Room(self._room)
        try:
            size = download.fetch(artifact, file, room, terms).size
            archives.unpack(artifact.shown, artifact.filename, file, home, room, around.eviction.check)
        except ArtifactError as error:
            raise CheckpointNotRestoredError(error.message) from error
        finally:
            file.unlink(missing_ok=True)
        self._kept = files.marks(home, files.find(home, self._wanted.files))
        self._record.restored, self._record.size = around.now(), size
        around.log(f"checkpoint restored: {size} bytes")
        self._around.changed()

    def _save_now_and_then(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICER)  # of this thread alone
        terms = Terms(self._check, self._around.log, sleep=self._pause)
        while not self._stop.wait(self._wanted.interval):
            self._save(terms)

    def _check(self) -> None:
        if self._stop.is_set():
            raise _StoppedError

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _last_terms(self) -> Terms:
        """The terms of the save at eviction: it ends when the time that HTCondor gives is over."""
        deadline = self._around.eviction.when + self._wanted.vacate - MARGIN

        def check() -> None:
            if time.monotonic() > deadline:
                raise CheckpointNotSavedError("the job had to leave its worker before it was stored")

        return Terms(check, self._around.log, _LAST_PACE)

    def _save(self, terms: Terms) -> None:
        """Save a checkpoint, if there is something new to save; what goes wrong is noted."""
        record = self._record
        try:
            size = self._saved(terms)
        except _StoppedError:
            return
        except OSError as error:
            record.warning = CheckpointNotSavedError(f"it could not be packed: {error.strerror or error}").message
        except CheckpointError as error:
            record.warning = error.message
        else:
            if size is None:
                return
            record.saved, record.last_saved, record.size, record.warning = (
                record.saved + 1,
                self._around.now(),
                size,
                "",
            )
        self._around.log(record.warning or f"checkpoint saved: {record.size} bytes")
        self._around.changed()

    def _saved(self, terms: Terms) -> Optional[int]:
        """The bytes of what was saved; None where there is nothing, or nothing new."""
        home = self._around.scratch.home
        for left in reversed(range(READ_TRIES)):
            with tempfile.TemporaryFile(dir=self._around.scratch.tools) as archive:
                try:
                    found = files.find(home, self._wanted.files)
                    marks = files.marks(home, found)
                    if not marks or marks == self._kept:
                        return None
                    packed = files.pack(home, found, archive, terms.check)
                except CheckpointChangingError:
                    if not left:
                        raise
                else:
                    remote.store(archive, packed, self._around.service, terms)
                    self._kept = marks
                    return packed.size
            terms.sleep(READ_PAUSE)
            terms.check()
        return None


class _StoppedError(Exception):
    """The save was told to end."""
