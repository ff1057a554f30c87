"""Finds a job by its id: while it is in the queue, and when it has left it.

A schedd looks at every job to find one (60 ms with 100,000 of them, in which it does nothing else), so it is not asked: what
changes of a job stands in its event log, what does not in the index. The queue is asked where one of these is missing.

Races thought of:
- A job leaves the queue while it is looked for. Its file for the recorder is made before it leaves and deleted after it is in
  the database, so who looks in that order finds it.
- The last event of a log is never written, because a disk was full, or the whole queue was lost: of a job whose log was quiet
  for a minute the history is asked too, and after a day of quiet the queue.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.errors import NoSuchJob, NotYours
from api.jobs import folder
from api.jobs.index import Index
from api.jobs.sandbox import EVENT_LOG, Sandbox
from api.jobs.view import DESCRIBED
from api.records.errors import RecordsUnavailable
from api.records.finished import Finished
from api.records.history import History
from identity.caller import Caller
from pool import event_log
from pool.ad_of_log import ad_of_log
from pool.attributes import Job
from pool.session import Ad, Pool
from pool.state import JobStatus
from pool.submission import escaped

_ENDED = (JobStatus.REMOVED, JobStatus.COMPLETED)
_LARGEST_ID = 2**31 - 1
"""Of a ClusterId, which has 32 bits."""
_QUIET = 60.0
_SILENT = 24 * 3600.0
"""Seconds after which a log that says nothing new of a job in the queue is doubted: the history is asked, or the queue."""


@dataclass(frozen=True)
class Lookup:
    """Jobs of the queue of `pool` and of `history`; `clock` gives epoch seconds."""

    pool: Pool
    history: History
    sandboxes: Path
    index: Index
    clock: Callable[[], float] = time.time

    def found(self, number: int, caller: Caller) -> tuple[Ad, Sandbox]:
        """The ad (DESCRIBED) of the caller's job, and its folder.

        Raises NoSuchJob, NotYours, PoolUnavailable, RecordsUnavailable.
        """
        found = self.find(number)
        if found is None:
            raise NoSuchJob(number)
        ad, _ = found
        if not is_of(ad, caller):
            raise NotYours(number)
        return ad, self.sandbox(ad)

    def find(self, number: int) -> tuple[Ad, Mapping[str, Any] | None] | None:
        """The job with that id, whoever's it is: its ad (DESCRIBED) and its report, where it has one yet; None: no such job."""
        if number > _LARGEST_ID:
            return None
        logged = self._logged(number)
        if logged is not None:
            ad, quiet = logged
            if ad["JobStatus"] in _ENDED:
                return ad, self.sandbox(ad).report()
            recorded = self._recorded(number) if quiet > _QUIET else None
            if recorded is not None:
                return recorded
            if quiet <= _SILENT:
                self.pool.make_sure()
                return ad, self.sandbox(ad).report()
        queued = self._queued(number)
        return (queued, self.sandbox(queued).report()) if queued is not None else self.history.by_id(number)

    def sandbox(self, ad: Ad) -> Sandbox:
        """The folder of the job with this ad."""
        return Sandbox(self.sandboxes / str(ad[Job.SUBMISSION]))

    def _logged(self, number: int) -> tuple[Ad, float] | None:
        """What index and event log say of a job, and how many seconds ago the log was written to."""
        facts = self.index.facts(number)
        if facts is None:
            return None
        with folder.opened(self.sandboxes / facts[Job.SUBMISSION] / EVENT_LOG) as descriptor:
            if descriptor is None:
                return None
            quiet = self.clock() - os.fstat(descriptor).st_mtime
            ad = ad_of_log(facts, event_log.read(descriptor))
        return (ad, quiet) if ad is not None and ad["ClusterId"] == number else None

    def _queued(self, number: int) -> Ad | None:
        ads = self.pool.query(f"ClusterId == {int(number)}", DESCRIBED, 1)
        # Jobs that did not come through the API have no submission: they are not the API's to show.
        if not ads or not ads[0].get(Job.SUBMISSION):
            return None
        self.index.note(number, ads[0])
        return ads[0]

    def _recorded(self, number: int) -> Finished | None:
        try:
            return self.history.by_id(number)
        except RecordsUnavailable:
            # The log is the better word then.
            return None


def is_of(ad: Ad, caller: Caller) -> bool:
    """Whether the job with this ad is the caller's."""
    return identity_in(ad) == identity_of(caller)


def identity_of(caller: Caller) -> tuple[str, str]:
    """The caller's identity as it stands in ads."""
    return escaped(caller.subject), escaped(caller.issuer)


def identity_in(ad: Ad) -> tuple[object, object]:
    """The identity in an ad."""
    return ad.get(Job.USER), ad.get(Job.ISSUER)
