"""The jobs of one workflow, as a list: those in the queue, those that have ended, and those that are not there yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.jobs import view
from api.jobs.listing import Selection
from api.jobs.lookup import Found, Lookup, is_of
from api.records.finished import Query
from api.workflows.plan import Plan
from identity.caller import Caller
from pool.attributes import Job
from pool.state import ENDED, state


@dataclass(frozen=True)
class Members:
    """The jobs of the workflows that `lookup` finds."""

    lookup: Lookup

    def select(self, workflow: int, selection: Selection, caller: Caller) -> list[Found]:
        """The jobs of the caller's workflow that `selection` asks for, in the order of their numbers; [] where there is none.

        Raises PoolUnavailable, DatabaseUnavailable.
        """
        found = self.lookup.workflow(workflow)
        if found is None or not is_of(found[0], caller):
            return []
        plan = self.lookup.instances.plan(str(found[0][Job.SUBMISSION]))
        queued = self._queued(workflow)
        ended = {number: job for number, job in self._ended(workflow, caller).items() if number not in queued}
        if plan is not None and plan.previous is not None:
            ended = _in(workflow, self._earlier(plan, caller)) | ended
        every = self._others(workflow, plan, queued.keys() | ended.keys()) | queued | ended
        wanted = {number: job for number, job in every.items() if selection.takes(state(*job).status)}
        over = {number: job for number, job in wanted.items() if job[0]["JobStatus"] in ENDED}
        chosen = {number: job for number, job in wanted.items() if number not in over} | _latest(over, selection.limit)
        return [job for _, job in sorted(chosen.items())]

    def _queued(self, workflow: int) -> dict[int, Found]:
        ads = self.lookup.pool.query(f"DAGManJobId == {int(workflow)}", view.DESCRIBED)
        return {int(ad[Job.NUMBER]): (self.lookup.instances.dressed(ad), None) for ad in ads if Job.NUMBER in ad}

    def _ended(self, workflow: int, caller: Caller) -> dict[int, Found]:
        found: dict[int, Found] = {}
        for ad, report in self.lookup.history.select(Query(caller.issuer, caller.subject, workflow=workflow)):
            # The latest first: earlier tries of an instance do not count.
            found.setdefault(int(ad[Job.NUMBER]), (ad, report))
        return found

    def _earlier(self, plan: Plan, caller: Caller) -> dict[int, Found]:
        """What had ended well before the workflow was run again."""
        before = self.lookup.history.id_of(plan.previous or "")
        if before is None:
            return {}
        ended = self._ended(before, caller)
        earlier = self.lookup.instances.plan(plan.previous or "")
        if earlier is not None and earlier.previous is not None:
            ended = self._earlier(earlier, caller) | ended
        return {number: job for number, job in ended.items() if number in plan.done}

    def _others(self, workflow: int, plan: Plan | None, others: set[int]) -> dict[int, Found]:
        """Those that are neither in the queue nor recorded: most were never there, some have just left it."""
        if plan is None:
            return {}
        numbers = (number for number in range(plan.total) if number not in others)
        return dict(self.lookup.instances_of(workflow, plan, numbers))


def _in(workflow: int, jobs: Mapping[int, Found]) -> dict[int, Found]:
    """The jobs under the ids that they have in this workflow, as everywhere else, though they ran in an earlier one."""
    return {number: ({**ad, "DAGManJobId": workflow}, report) for number, (ad, report) in jobs.items()}


def _latest(ended: Mapping[int, Found], limit: int) -> dict[int, Found]:
    latest = sorted(ended.items(), key=lambda item: _end(item[1][0]), reverse=True)
    return dict(latest if limit < 0 else latest[:limit])


def _end(ad: Mapping[str, Any]) -> int:
    return int(ad.get("CompletionDate") or ad.get("EnteredCurrentStatus") or 0)
