"""Jobs that have left the queue and are not in the database yet: read from the files that the schedd left for them.

The recorder deletes a file only after its job is in the database, and the schedd makes it before the job leaves the queue. So
who looks in the queue first, then here, then in the database misses no job.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.jobs import view as job_view
from api.jobs.sandbox import Sandbox
from api.notifications import content
from api.notifications.addresses import Addresses
from api.records.finished import Finished, Query
from api.records.projection import RECORDED, ended, labels, problem
from api.workflows import outcome
from api.workflows import view as workflow_view
from api.workflows.instances import Instances
from pool import attributes
from pool.dagman import PROGRESS
from pool.history_files import HistoryFiles, UnreadableFile, parsed
from pool.submission import escaped

MOST_LISTED = 20_000
"""Names of files that a list looks at."""
MOST_READ = 1_000
"""Files, those of the newest jobs, that a list reads. Only a recorder that was stopped for long leaves more."""
MOST_COUNTED = 10_000
"""Files that the lag is measured on."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lag:
    """How far the database is behind: jobs that wait (MOST_COUNTED at most), and seconds that the first one has waited."""

    pending: int
    seconds: float


@dataclass(frozen=True)
class Departed:
    """The jobs whose files are in `files`, and whose own files are in folders below `sandboxes`."""

    files: HistoryFiles
    sandboxes: Path

    @property
    def instances(self) -> Instances:
        """Tells what instances of workflows are."""
        return Instances(self.sandboxes)

    @property
    def addresses(self) -> Addresses:
        """Where messages about jobs go."""
        return Addresses(self.sandboxes)

    def find(self, number: int, proc: int = 0) -> Finished | None:
        """The job with that ClusterId, by opening one file; None where it is not here."""
        name = f"history.{number}.{proc}"
        ad = self._parsed(name, self._content(name))
        return None if ad is None else Finished(ad, self.report(ad))

    def latest(self, query: Query) -> list[Finished]:
        """The jobs that `query` asks for, the one that ended last first. Its `limit` holds; ids are looked up one by one."""
        mine = self._line(attributes.Job.USER, query.subject)
        names = (
            [f"history.{number}.0" for number in query.ids]
            if query.ids
            else self.files.latest(MOST_READ, among=MOST_LISTED)
        )
        found = []
        for name in names:
            content = self._content(name)
            # Reading a line is cheap, parsing an ad is not.
            ad = self._parsed(name, content) if content is not None and mine in content else None
            if ad is not None and _wanted(ad, query):
                found.append((ad, name))
        found.sort(key=lambda pair: (ended(pair[0]), int(pair[0]["ClusterId"])), reverse=True)
        if query.limit >= 0:
            del found[query.limit :]
        return [Finished(ad, self.report(ad)) for ad, _ in found]

    def report(self, ad: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What the executor reported of the job; of a workflow what is kept beside its ad."""
        if ad.get(attributes.Job.INSTANCES) is not None:
            return outcome.record(ad, self.instances)
        return Sandbox(self.sandboxes / str(ad[attributes.Job.SUBMISSION])).report()

    def message(self, ad: Mapping[str, Any], report: Mapping[str, Any] | None, now: float) -> dict[str, Any] | None:
        """What is queued at `now`, epoch seconds, for the user who asked to be told of the job's end; None: nobody did."""
        submission = str(ad[attributes.Job.SUBMISSION])
        address = self.addresses.find(submission)
        if address is None:
            return None
        if ad.get(attributes.Job.INSTANCES) is None:
            return content.row(job_view.job(ad, report, False), submission, address, now)
        state = outcome.of(ad, str((report or {}).get("reason") or ""))
        progress = outcome.progress(ad, self.sandboxes / submission, self.instances.plan(submission))
        shown = workflow_view.workflow(ad, state, progress)
        if ad.get(PROGRESS[0]) is None:
            # An ad made of an event log has no counts.
            shown["progress"] = None
        return content.row(shown, submission, address, now)

    def lag(self, now: float) -> Lag:
        """How far the database is behind at `now`, epoch seconds."""
        pending, oldest = self.files.oldest(MOST_COUNTED)
        return Lag(pending, max(0.0, now - oldest) if oldest is not None else 0.0)

    def _content(self, name: str) -> bytes | None:
        try:
            return self.files.text(name)
        except UnreadableFile as error:
            _log.warning("%s", error)
            return None

    def _parsed(self, name: str, content: bytes | None) -> dict[str, Any] | None:
        if content is None:
            return None
        try:
            ad = parsed(name, content, RECORDED)
        except UnreadableFile as error:
            _log.warning("%s", error)
            return None
        return dict(self.instances.dressed(ad)) if problem(ad) is None else None

    @staticmethod
    def _line(attribute: str, text: str) -> bytes:
        return f'{attribute} = "{escaped(text)}"\n'.encode()


def _wanted(ad: Mapping[str, Any], query: Query) -> bool:
    identity = (ad[attributes.Job.ISSUER], ad[attributes.Job.USER])
    return (
        identity == (escaped(query.issuer), escaped(query.subject))
        and (ad[attributes.Job.INSTANCES] is not None) == query.workflows
        and (not query.ids or int(ad["ClusterId"]) in query.ids)
        and (query.name is None or str(ad["JobBatchName"] or "") == escaped(query.name))
        and (query.label is None or escaped(query.label) in labels(ad))
        and (query.workflow is None or ad["DAGManJobId"] == query.workflow)
    )
