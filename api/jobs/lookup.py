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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.errors import NoSuchJob, NotYours
from api.jobs import folder
from api.jobs.index import FACTS, Index
from api.jobs.sandbox import EVENT_LOG, Sandbox
from api.jobs.view import DESCRIBED
from api.records.finished import Finished
from api.records.history import History
from api.workflows.instances import Instances
from api.workflows.instances import facts as instance_facts
from api.workflows.plan import Plan, instance_name, is_workflow
from api.workflows.view import SHOWN as WORKFLOW
from database.errors import DatabaseUnavailable
from identity.caller import Caller
from pool import event_log
from pool.ad_of_log import ad_of_log
from pool.attributes import DELETED_BY_USER, NEVER_RAN, Job
from pool.numbers import LARGEST_ID, instance_of
from pool.session import Ad, Pool
from pool.state import ENDED, JobStatus
from pool.submission import escaped

Found = tuple[Ad, Mapping[str, Any] | None]
"""The ad of a job, and its report where it has one."""

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
    instances: Instances
    clock: Callable[[], float] = time.time

    def found(self, number: int, caller: Caller) -> tuple[Ad, Sandbox]:
        """The ad (DESCRIBED) of the caller's job, and its folder.

        Raises NoSuchJob, NotYours, PoolUnavailable, DatabaseUnavailable.
        """
        found = self.find(number)
        if found is None:
            raise NoSuchJob(number)
        ad, _ = found
        if not is_of(ad, caller):
            raise NotYours(number)
        return ad, self.sandbox(ad)

    def find(self, number: int) -> Found | None:
        """The job with that id, whoever's it is: its ad (DESCRIBED) and its report, where it has one yet; None: no such job.

        Raises PoolUnavailable, DatabaseUnavailable.
        """
        if number > LARGEST_ID:
            return None
        member = instance_of(number)
        return self._alone(number) if member is None else self._instance(*member)

    def workflow(self, number: int) -> Found | None:
        """The workflow with that id, whoever's it is: its ad (SHOWN of `api/workflows/view.py`) and what is kept of it after
        its end; None: no such workflow.

        Raises PoolUnavailable, DatabaseUnavailable.
        """
        if instance_of(number) is not None:
            return None
        ads = self.pool.query(f"ClusterId == {int(number)}", WORKFLOW, 1)
        found: Found | None = (ads[0], None) if ads else self.history.by_id(number)
        return found if found is not None and found[0].get(Job.INSTANCES) is not None else None

    def sandbox(self, ad: Ad) -> Sandbox:
        """The folder of the job with this ad."""
        return Sandbox(self.sandboxes / str(ad[Job.SUBMISSION]))

    def _alone(self, number: int) -> Found | None:
        """The job with that ClusterId, unless it is a workflow or belongs to one."""
        constant = self.index.facts(number)
        if constant is not None and is_workflow(constant[Job.SUBMISSION]):
            return None
        logged = self._logged(constant) if constant is not None else None
        if logged is not None and logged[0]["ClusterId"] == number:
            return self._settled(*logged) or self._asked(number)
        found = self._asked(number)
        if found is None or any(found[0].get(name) is not None for name in (Job.NUMBER, Job.INSTANCES)):
            return None
        self.index.note(number, found[0])
        return found

    def instances_of(self, workflow: int, plan: Plan, numbers: Iterable[int]) -> Iterator[tuple[int, Found]]:
        """The instances of a workflow with these numbers, as far as they are found, each with its number."""
        known = self._workflow_facts(workflow)
        if known is None:
            return
        itself = self.instances.logged(plan.submission, {})
        for number in numbers:
            found = self._planned(known | {"DAGManJobId": workflow}, plan, number, itself)
            if found is not None:
                yield number, found

    def _instance(self, workflow: int, number: int) -> Found | None:
        known = self._workflow_facts(workflow)
        if known is None:
            return None
        plan = self.instances.plan(known[Job.SUBMISSION])
        if plan is None:
            return self._kept(instance_name(known[Job.SUBMISSION], number))
        if number >= plan.total:
            return None
        itself = self.instances.logged(plan.submission, {})
        return self._planned(known | {"DAGManJobId": workflow}, plan, number, itself)

    def _planned(self, known: dict[str, Any], plan: Plan, number: int, workflow: Ad | None) -> Found | None:
        """An instance of the workflow whose event log says `workflow`: in the queue, ended, or not begun yet."""
        ran_under = self.instances.origin(plan, number)
        if ran_under is None:
            return self._kept(instance_name(plan.previous or "", number))
        constant = known | {Job.SUBMISSION: ran_under.instance_name(number)} | instance_facts(plan, number)
        logged = self._logged(constant)
        if logged is None:
            return not_begun(constant, workflow, self.sandbox(constant).deletion()), None
        return self._settled(*logged) or self._asked(int(logged[0]["ClusterId"]))

    def _workflow_facts(self, workflow: int) -> dict[str, Any] | None:
        known = self.index.facts(workflow)
        if known is None:
            found = self.workflow(workflow)
            if found is None:
                return None
            known = {name: found[0][name] for name in FACTS}
            self.index.note(workflow, known)
        return known

    def _kept(self, submission: str) -> Found | None:
        """An instance of which no files are kept."""
        cluster = self.history.id_of(submission)
        return None if cluster is None else self.history.by_id(cluster)

    def _logged(self, constant: dict[str, Any]) -> tuple[Ad, float] | None:
        """What its event log says of the job of which `constant` never changes, and how many seconds ago it was written to."""
        with folder.opened(self.sandboxes / constant[Job.SUBMISSION] / EVENT_LOG) as descriptor:
            if descriptor is None:
                return None
            quiet = self.clock() - os.fstat(descriptor).st_mtime
            ad = ad_of_log(constant, event_log.read(descriptor))
        return (ad, quiet) if ad is not None else None

    def _settled(self, ad: Ad, quiet: float) -> Found | None:
        """The job of which its log, last written to `quiet` seconds ago, says this; None where that is to be doubted."""
        if ad["JobStatus"] in ENDED:
            return ad, self.sandbox(ad).report()
        recorded = self._recorded(int(ad["ClusterId"])) if quiet > _QUIET else None
        if recorded is not None:
            return recorded
        if quiet > _SILENT:
            return None
        self.pool.make_sure()
        return ad, self.sandbox(ad).report()

    def _asked(self, cluster: int) -> Found | None:
        """The job with that ClusterId, by the queue and then by the history."""
        ads = self.pool.query(f"ClusterId == {cluster}", (*DESCRIBED, Job.INSTANCES), 1)
        # Jobs that did not come through the API have no submission: they are not the API's to show.
        if ads and ads[0].get(Job.SUBMISSION):
            ad = self.instances.dressed(ads[0])
            return ad, self.sandbox(ad).report()
        return self.history.by_id(cluster)

    def _recorded(self, cluster: int) -> Finished | None:
        try:
            return self.history.by_id(cluster)
        except DatabaseUnavailable:
            # The log is the better word then.
            return None


def not_begun(constant: dict[str, Any], workflow: Ad | None, deleted: int | None) -> Ad:
    """The ad of an instance that was never in the queue, of the workflow whose event log says this; `deleted` is when its
    user deleted it, epoch seconds."""
    told = workflow or {}
    ad = constant | {"ClusterId": None, "QDate": told.get("QDate"), "JobStatus": JobStatus.IDLE}
    if deleted is not None:
        ad |= {"JobStatus": JobStatus.REMOVED, "RemoveReason": DELETED_BY_USER, "EnteredCurrentStatus": deleted}
    elif told.get("JobStatus") in ENDED:
        removed = DELETED_BY_USER if DELETED_BY_USER in str(told.get("RemoveReason")) else NEVER_RAN
        ad |= {"JobStatus": JobStatus.REMOVED, "RemoveReason": removed}
        ad["EnteredCurrentStatus"] = told.get("EnteredCurrentStatus")
    return ad


def is_of(ad: Ad, caller: Caller) -> bool:
    """Whether the job with this ad is the caller's."""
    return identity_in(ad) == identity_of(caller)


def identity_of(caller: Caller) -> tuple[str, str]:
    """The caller's identity as it stands in ads."""
    return escaped(caller.subject), escaped(caller.issuer)


def identity_in(ad: Ad) -> tuple[object, object]:
    """The identity in an ad."""
    return ad.get(Job.USER), ad.get(Job.ISSUER)
