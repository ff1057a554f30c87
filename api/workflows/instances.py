"""Instances of workflows, from what their workflows' folders tell of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.jobs import folder
from api.jobs.sandbox import EVENT_LOG, Sandbox
from api.workflows import files
from api.workflows.plan import Plan, workflow_name
from pool import event_log
from pool.ad_of_log import ad_of_log
from pool.attributes import Job
from pool.session import Ad
from worker import parameters


@dataclass(frozen=True)
class Instances:
    """The instances of the workflows whose folders are below `sandboxes`."""

    sandboxes: Path

    def plan(self, submission: str) -> Plan | None:
        """The plan of a workflow, by its submission or that of one of its instances; None where it is not kept."""
        return files.plan_in(self.sandboxes / workflow_name(submission))

    def dressed(self, ad: Ad) -> Ad:
        """The ad of a job; that of an instance with the job as this instance has it, and with its parameters.

        In the queue all instances of a job have the same document.
        """
        number = ad.get(Job.NUMBER)
        plan = self.plan(str(ad[Job.SUBMISSION])) if isinstance(number, int) else None
        if plan is None or not isinstance(number, int) or not 0 <= number < plan.total:
            return ad
        return {**ad, **facts(plan, number)}

    def origin(self, plan: Plan, number: int) -> Plan | None:
        """The plan under which instance `number` ran or will run: an earlier workflow's, where that was rerun without it."""
        found: Plan | None = plan
        while found is not None and number in found.done:
            found = self.plan(found.previous) if found.previous else None
        return found

    def logged(self, submission: str, constant: dict[str, Any]) -> Ad | None:
        """What the event log of the job in that folder says, as its ad; None where it was never in the queue."""
        with folder.opened(self.sandboxes / submission / EVENT_LOG) as descriptor:
            return None if descriptor is None else ad_of_log(constant, event_log.read(descriptor))

    def report(self, submission: str) -> dict[str, Any] | None:
        """What the executor of the job in that folder reported."""
        return Sandbox(self.sandboxes / submission).report()


def alone(told: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """What the executor of an instance with these parameters would be told, were it a job of its own."""
    made = parameters.for_instance(told, values)
    for name, value in values.items():
        given = {f"PROMINENCE_PARAMETER_{name}": value}
        made["tasks"] = [{**task, "env": {**task.get("env", {}), **given}} for task in made["tasks"]]
    return made


def facts(plan: Plan, number: int) -> dict[str, Any]:
    """What never changes of an instance and does not stand in the ads of all of them."""
    document, values = plan.document_of(number)
    return {
        Job.DOCUMENT: json.dumps(document),
        Job.PARAMETERS: json.dumps(values),
        Job.NUMBER: number,
    }
