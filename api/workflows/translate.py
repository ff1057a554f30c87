"""From a workflow's document to its plan and to what HTCondor is told. Pure; it builds on `api/jobs/translate.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.documents.factories import expanded
from api.documents.job import Job
from api.documents.redact import redacted
from api.documents.workflow import Workflow, edges
from api.jobs import translate as jobs
from api.jobs.sandbox import EVENT_LOG
from api.jobs.translate import Context
from api.workflows.plan import Part, Plan
from pool import attributes
from pool.dagman import AccessPoint, dagman_job
from pool.submission import escaped, literal, quoted, quoted_list

_NODE = "$(JOB)"
"""What DAGMan replaces by the name of the node, which is the submission of the instance."""


@dataclass(frozen=True)
class Place:
    """Where the workflow is put: the folder of all jobs, that of the workflow, and what the access point has."""

    sandboxes: Path
    folder: Path
    at: AccessPoint
    idle: int
    """How many of its jobs wait in the queue at most."""


def plan(workflow: Workflow, submission: str) -> Plan:
    """The plan of a workflow that is submitted under that name."""
    made = {name: expanded(factory) for factory in workflow.factories for name in factory.jobs}
    parts: list[Part] = []
    for job in workflow.jobs:
        first = parts[-1].numbers.stop if parts else 0
        parts.append(Part(job.name, first, redacted(with_policies(job, workflow)), made.get(job.name)))
    places = {job.name: index for index, job in enumerate(workflow.jobs)}
    pairs = tuple((places[before], places[after]) for before, after in edges(workflow))
    return Plan(submission, workflow.name, tuple(parts), pairs)


def with_policies(job: Job, workflow: Workflow) -> Job:
    """The job with the workflow's policies for all jobs, where it has none of its own."""
    own, ours = job.policies, workflow.policies
    changes: dict[str, Any] = {}
    if ours.maximum_retries and "maximum_retries" not in own.model_fields_set:
        changes["maximum_retries"] = ours.maximum_retries
    if ours.placement.model_fields_set and "placement" not in own.model_fields_set:
        changes["placement"] = ours.placement
    return job.model_copy(update={"policies": own.model_copy(update=changes)}) if changes else job


def node_description(job: Job, name: str, context: Context, sandboxes: Path) -> str:
    """The submit file of the instances of a job, under the `name` by which lists find it."""
    facts = jobs.facts(job, context)
    # DAGMan takes all its jobs along when it gives up, also those that have ended: none is left in the queue.
    leaving = job.model_copy(update={"policies": job.policies.model_copy(update={"leave_in_queue": False})})
    description = jobs.submit_description(leaving, context, facts) | {
        "initialdir": f"{sandboxes}/{_NODE}",
        f"My.{attributes.Job.SUBMISSION}": f'"{_NODE}"',
        f"My.{attributes.Job.NUMBER}": "$(number)",
        "My.JobBatchName": quoted(name),
    }
    return "".join(f"{command} = {value}\n" for command, value in description.items()) + "queue\n"


def node_file(job: Job, part: Part, context: Context) -> dict[str, Any]:
    """What the executor of any instance of a job is told; it puts the parameters in, by the number in the instance's ad."""
    return jobs.job_file(job, context) | {"instances": {"first": part.first, "factory": part.factory}}


def facts(workflow: Workflow, context: Context) -> dict[str, str]:
    """What never changes of a workflow, as its ad has it; the document there is an outline, since an ad should be small."""
    outline = {name: value for name, value in (("name", workflow.name), ("labels", workflow.labels)) if value}
    return {
        attributes.Job.USER: escaped(context.caller.subject),
        attributes.Job.ISSUER: escaped(context.caller.issuer),
        attributes.Job.DOCUMENT: json.dumps(outline),
        attributes.Job.SUBMISSION: context.submission,
    }


def description(
    workflow: Workflow, instances: int, context: Context, known: Mapping[str, str], place: Place
) -> dict[str, str]:
    """The submit description of the workflow itself, of which `known` are the `facts`."""
    ours = {name: literal(value) for name, value in known.items()} | {
        attributes.Job.INSTANCES: str(instances),
        attributes.Job.GROUP: quoted(context.caller.groups[0]),
        "Owner": quoted(context.owner),
    }
    if workflow.name:
        ours["JobBatchName"] = quoted(workflow.name)
    if workflow.labels:
        ours[attributes.Job.LABELS] = quoted_list(f"{key}={value}" for key, value in workflow.labels.items())
    made = dagman_job(place.folder, place.at, place.idle) | jobs.accounting(context)
    if workflow.policies.leave_in_queue:
        made["leave_in_queue"] = jobs.LEFT_IN_QUEUE
    return made | {"log": EVENT_LOG} | {f"My.{name}": value for name, value in ours.items()}


def again(earlier: Plan, submission: str, done: frozenset[int]) -> Plan:
    """The plan of a rerun of a workflow, in which the instances `done` are not run again."""
    return replace(earlier, submission=submission, previous=earlier.submission, done=done)
