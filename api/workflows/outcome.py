"""How a workflow stands and how it ended: its state, and which job failed first, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from api.workflows import dag, files
from api.workflows.instances import Instances
from api.workflows.plan import Plan, instance_number
from pool import dagman, state
from pool.attributes import TAKEN_OUT_BY_USER, Job
from pool.dagman import Progress
from pool.session import Ad
from pool.state import ENDED, JobStatus, State, Status

_FAILED = 1
"""Exit code of DAGMan where nodes failed."""
_NO_FAILURE = "The program that runs workflows gave up before a job had failed: ask the operators of this service."


def of(ad: Ad, reason: str) -> State:
    """The state of the workflow with this ad, of which `reason` is what is to be said about its failure, if it failed."""
    if not ended_by_itself(ad):
        return state.state(ad)
    if ad.get("ExitCode") == 0:
        return State(Status.COMPLETED)
    if ad.get("ExitCode") == _FAILED:
        return State(Status.FAILED, reason or "Some of its jobs failed.")
    return State(Status.FAILED, f"The program that runs workflows ended with code {ad.get('ExitCode')}.")


def ended_by_itself(ad: Ad) -> bool:
    """Whether DAGMan came to an end, whether or not the workflow was left in the queue and taken out since."""
    taken_out = TAKEN_OUT_BY_USER in str(ad.get("RemoveReason") or "")
    return ad.get("JobStatus") == JobStatus.COMPLETED or taken_out


def progress(ad: Ad, folder: Path, plan: Plan | None) -> Progress:
    """How many of the workflow's instances are where."""
    joins = dag.joins(plan) if plan is not None else []
    passed = dagman.joined(folder / dagman.STATES_FILE, joins) if joins else 0
    told = dagman.progress(ad, int(ad[Job.INSTANCES]), passed)
    # What was in the queue when the workflow was removed went with it, of which DAGMan says nothing any more.
    return replace(told, queued=0) if ad.get("JobStatus") in ENDED else told


def reason(ad: Ad, instances: Instances) -> str:
    """Which job of a workflow failed first, and why, in a sentence; empty where none did, or its files are not kept."""
    submission = str(ad[Job.SUBMISSION])
    plan = instances.plan(submission)
    failed = dagman.first_failure(instances.sandboxes / submission / dagman.STATES_FILE)
    number = instance_number(failed) if failed is not None else None
    if plan is None:
        return ""
    if failed is None or number is None or number >= plan.total:
        return _NO_FAILURE if ad.get("ExitCode") == _FAILED else ""
    part = plan.part_of(number)
    name = part.name if part.factory is None else f"{part.name}/{number - part.first}"
    return f"Job {name} failed: {_why(failed, instances)}"


def _why(submission: str, instances: Instances) -> str:
    ad = instances.logged(submission, {})
    if ad is None:
        return "it could not be put into the queue."
    found = state.state(ad, instances.report(submission))
    if found.status == Status.DELETED:
        return "it was deleted."
    return found.reason or f"it ended with code {ad.get('ExitCode')}."


def record(ad: Ad, instances: Instances) -> Mapping[str, Any]:
    """What is kept of a finished workflow beside its ad."""
    shown = files.shown(instances.sandboxes / str(ad[Job.SUBMISSION]))
    return {"reason": reason(ad, instances), "workflow": shown}
