"""The recorder: brings the jobs that have left the queue into the database, each exactly once.

For a batch of files: read them and the reports of their jobs, store all in one transaction that leaves alone what is there,
with the messages to the users who asked for one, delete the files. Killed before the commit, it finds the files again; killed
after it, it stores them again to no effect.
While the database is away the files wait; memory holds one batch, however many there are.

A job that has left the queue will not run again: its checkpoint is deleted after the job is recorded and before its file is.
While the object storage is away, the files of jobs with checkpoints wait for that, and keep nothing else from being recorded.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from api.jobs.translate import CHECKPOINT
from api.objects.errors import StorageUnavailable
from api.records.departed import Departed
from api.records.errors import CheckpointsKept, RecordsError
from api.records.finished import FinishedJobs
from api.records.projection import RECORDED, Row, problem, row
from database.errors import DatabaseError, DatabaseRefused
from pool import attributes
from pool.history_files import HistoryFiles, UnreadableFile, parsed

BATCH = 250
"""Jobs that are stored in one transaction, at most."""
BATCH_BYTES = 8 * 2**20
"""Bytes of ads and reports after which a batch is stored before it is full."""
PAUSE = 0.5
"""Seconds between two looks into an empty folder."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries while the database is away, at most."""
LEFTOVER_AGE = 5.0
"""Seconds after which a temporary file has no living writer: the schedd writes one at once or not at all."""

_log = logging.getLogger(__name__)


@dataclass
class _Batch:
    rows: list[Row] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    size: int = 0
    checkpoints: dict[str, str] = field(default_factory=dict)
    """Submissions of jobs that may have one, by the names of their files."""

    def full(self) -> bool:
        return len(self.files) >= BATCH or self.size >= BATCH_BYTES


@dataclass(frozen=True)
class Recorder:
    """Records what is in the folder of `departed`."""

    departed: Departed
    finished: FinishedJobs
    discard: Callable[[str], None] = lambda _submission: None
    """Deletes the checkpoint of the job of a submission, if there is one; raises StorageUnavailable."""
    clock: Callable[[], float] = time.time
    spread: Callable[[], float] = random.random
    """Gives a number from 0 to 1: how much of a pause is taken, so that several do not come back at once."""

    @property
    def files(self) -> HistoryFiles:
        """The folder."""
        return self.departed.files

    def run(self, stop: threading.Event) -> None:
        """Records until `stop` is set. Failures of database and disk are logged and waited for."""
        failures = 0
        while not stop.is_set():
            try:
                recorded = self.sweep(stop)
                failures = 0
            except (RecordsError, DatabaseError, OSError) as error:
                failures += 1
                _log.warning("nothing can be recorded: %s %s", error, getattr(error, "detail", ""))
                stop.wait(min(LONGEST_PAUSE, PAUSE * 2 ** min(failures, 10)) * (0.5 + self.spread() / 2))
                continue
            if not recorded:
                stop.wait(PAUSE)

    def sweep(self, stop: threading.Event | None = None) -> int:
        """Records the files that are there now; how many jobs that were.

        CheckpointsKept, DatabaseError, OSError: what is left is still there.
        """
        for name in self.files.remove_leftovers(self.clock() - LEFTOVER_AGE):
            _log.warning("%s was left by an access point that was killed: deleted", name)
        recorded = kept = 0
        for batch in self._batches():
            recorded += self._store(batch)
            kept += self._finish(batch)
            if stop is not None and stop.is_set():
                break
        if kept:
            raise CheckpointsKept(kept)
        return recorded

    def _batches(self) -> Iterator[_Batch]:
        batch = _Batch()
        for name in self.files.names():
            self._read_into(batch, name)
            if batch.full():
                yield batch
                batch = _Batch()
        if batch.files:
            yield batch

    def _read_into(self, batch: _Batch, name: str) -> None:
        try:
            content = self.files.text(name)
            if content is None:
                return
            ad = parsed(name, content, RECORDED)
            # Jobs that did not come through the API are no business of ours: operators' own, for one.
            if ad[attributes.Job.SUBMISSION] is not None:
                made = _row(name, ad, self.departed, self.clock())
                batch.rows.append(made)
                batch.size += len(made["ad"]) + len(made["report"] or "")
                if CHECKPOINT in str(ad[attributes.Job.DOCUMENT]):
                    batch.checkpoints[name] = made["submission"]
        except UnreadableFile as error:
            self._refuse(name, str(error))
            return
        batch.files.append(name)

    def _store(self, batch: _Batch) -> int:
        try:
            if batch.rows:
                self._add(batch.rows)
        except DatabaseRefused:
            return self._store_singly(batch)
        return len(batch.rows)

    def _add(self, rows: list[Row]) -> None:
        self.finished.add(rows)
        for made in rows:
            if made["message"] is not None:
                # It is queued: should the job be recorded again, after whatever time, there is nobody to tell.
                self.departed.addresses.discard(made["submission"])

    def _store_singly(self, batch: _Batch) -> int:
        """One that cannot be stored must not keep the others out."""
        recorded = 0
        for made in batch.rows:
            name = f"history.{made['id']}.{made['proc']}"
            try:
                self._add([made])
            except DatabaseRefused as error:
                self._refuse(name, error.detail)
            else:
                recorded += 1
        return recorded

    def _finish(self, batch: _Batch) -> int:
        """Deletes the files of a batch that is stored, checkpoints first; how many of these could not be deleted."""
        kept = set()
        for name, submission in batch.checkpoints.items():
            try:
                self.discard(submission)
            except StorageUnavailable as error:
                _log.warning("the checkpoint of %s cannot be deleted: %s %s", submission, error.operation, error.why)
                kept.add(name)
        self.files.remove([name for name in batch.files if name not in kept])
        return len(kept)

    def _refuse(self, name: str, why: str) -> None:
        _log.error("%s cannot be recorded and was moved aside: %s", name, why)
        self.files.refuse(name)


def _row(name: str, ad: dict[str, Any], departed: Departed, now: float) -> Row:
    wrong = problem(ad)
    if wrong is not None:
        raise UnreadableFile(name, wrong)
    try:
        whole, report = departed.instances.dressed(ad), departed.report(ad)
        return row(whole, report) | {"message": departed.message(whole, report, now)}
    except (KeyError, TypeError, ValueError) as error:
        # An operator may edit any attribute of a job into nonsense; that must not keep the other jobs out.
        raise UnreadableFile(name, f"it makes no sense ({error})") from error
