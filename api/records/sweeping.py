"""Takes away what finished jobs left behind and nobody needs any more, in small steps, each safe to be killed in.

What goes is decided in `retention.py`; here the database, the queue and the disk are asked and told. One pass looks at every
folder and at the series of every job once, with pauses in between. A part that fails is left to the next pass and does not keep
the others from their work; a question that failed is no answer, so nothing is deleted after it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Protocol

from api.jobs.index import Index
from api.records.errors import RecordsError
from api.records.expiry import Expiry
from api.records.leftovers import Leftovers
from api.records.retention import Ages, Fate, Folder, Recorded, fate, over
from database.errors import DatabaseError
from pool.errors import PoolError
from pool.history_files import HistoryFiles

BATCH = 100
"""Folders that are looked at, and deleted, between two pauses; jobs of whose series the database is asked at once."""
MOST_ASKED = 100
"""Folders about which the queue and its history are asked in one pass: that is work for the schedd."""
_COUNTED = 10_000

_log = logging.getLogger(__name__)


class Queue(Protocol):
    """What a queue is asked."""

    def submissions(self, names: Sequence[str]) -> Collection[str]:
        """Those of these submissions that are in the queue or in its history. PoolError."""


@dataclass
class Swept:
    """What one pass deleted: folders of finished jobs, folders of nobody's, jobs' series."""

    folders: int = 0
    abandoned: int = 0
    series: int = 0


@dataclass(frozen=True)
class Sweeper:
    """Sweeps the folders of `leftovers` and what `expiry` knows; without a `queue` no folder counts as abandoned."""

    expiry: Expiry
    leftovers: Leftovers
    departed: HistoryFiles
    ages: Ages
    queue: Queue | None = None
    index: Index | None = None
    clock: Callable[[], float] = time.time
    pause: float = 0.1
    """Seconds between two steps."""
    settle: float = 5.0
    """Seconds that the recorder is given for what left the queue before that was asked."""
    swept: Swept = field(default_factory=Swept)

    def sweep(self, stop: threading.Event) -> Swept:
        """One pass, until it is done or `stop` is set; what was deleted. Failures are logged."""
        for part in (self._rubbish, self._folders, self._series):
            try:
                part(stop)
            except (RecordsError, DatabaseError, PoolError, OSError) as error:
                _log.warning("something could not be swept: %s %s", error, getattr(error, "detail", ""))
        return self.swept

    def _rubbish(self, stop: threading.Event) -> None:
        for names in _batches(self.leftovers.rubbish()):
            self.leftovers.delete(names)
            if stop.wait(self.pause):
                return

    def _folders(self, stop: threading.Event) -> None:
        if not self.ages.job_folder_days and not self.ages.abandoned_days:
            return
        unknown: list[Folder] = []
        for names in _batches(self.leftovers.names()):
            unknown += self._finished(names)
            del unknown[MOST_ASKED:]
            if stop.wait(self.pause):
                return
        if unknown and self.queue is not None:
            self._abandoned(unknown, self.queue, stop)

    def _finished(self, names: Sequence[str]) -> list[Folder]:
        """Deletes the folders whose time is over; gives those about which more must be asked."""
        found = [folder for folder in map(self.leftovers.look, names) if folder is not None]
        recorded, now = self.expiry.recorded(names), self.clock()
        fates = [(folder, fate(folder, recorded.get(folder.name), self.ages, now)) for folder in found]
        due = [folder for folder, what in fates if what is Fate.DELETE]
        self.swept.folders += self._delete(due, recorded)
        return [folder for folder, what in fates if what is Fate.ASK]

    def _abandoned(self, unknown: Sequence[Folder], queue: Queue, stop: threading.Event) -> None:
        """Deletes those folders that neither the queue nor its history nor the database knows."""
        asked, names = self.clock(), [folder.name for folder in unknown]
        known = set(queue.submissions(names))
        if stop.wait(self.settle):
            return
        _, oldest = self.departed.oldest(_COUNTED)
        if oldest is not None and oldest <= asked:
            _log.info("abandoned folders are not swept: the database does not have all jobs yet that left the queue")
            return
        known |= set(self.expiry.recorded(names))
        nobodys = [folder for folder in unknown if folder.name not in known]
        for folder in nobodys:
            _log.info("the submission %s never came into the queue: its folder is deleted", folder.name)
        self.swept.abandoned += self._delete(nobodys, {})

    def _delete(self, folders: Iterable[Folder], recorded: Mapping[str, Recorded]) -> int:
        """Deletes folders, and what the index keeps of their jobs; how many these were."""
        taken = [
            self.leftovers.take(folder, partial(self._forget, recorded.get(folder.name), folder)) for folder in folders
        ]
        rubbish = [name for name in taken if name is not None]
        self.leftovers.delete(rubbish)
        return len(rubbish)

    def _forget(self, recorded: Recorded | None, folder: Folder) -> None:
        # Before the folder goes: nothing leads to an index file whose folder is gone.
        if recorded is not None and self.index is not None:
            self.index.forget(recorded.id, folder.name)

    def _series(self, stop: threading.Event) -> None:
        last = ""
        while self.ages.series_days and (names := self.expiry.with_series(last, BATCH)):
            recorded, now = self.expiry.recorded(names), self.clock()
            for name in names:
                if name in recorded and over(recorded[name].ended, self.ages.series_days, now):
                    while not self.expiry.forget_series(name):
                        if stop.wait(self.pause):
                            return
                    self.swept.series += 1
            last = names[-1]
            if stop.wait(self.pause):
                return


def _batches(names: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(names, BATCH)):
        yield batch
