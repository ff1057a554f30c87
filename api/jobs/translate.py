"""From a job's document to what HTCondor is told: pure, so that every line of it can be asserted without a pool.

Nothing that a user chose becomes an expression: it travels as a quoted ClassAd literal or in the job's own file, which only
the executor reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.documents.job import Job
from api.documents.redact import as_submitted, redacted
from api.jobs import placing
from api.jobs.sandbox import EVENT_LOG, JOB_FILE, LOG_FILE, REPORT_FILE, TOKEN_FILE
from api.jobs.sizes import sizes
from identity.caller import Caller, group_slug, owner_of
from pool import attributes, demand
from pool.submission import escaped, literal, quoted, quoted_list

_MINUTE = 60
QUEUE_LIFETIME = 31 * 24 * 3600
"""Seconds that a job without maximumTimeInQueue may wait and its token still be good."""
_MARGIN = 24 * 3600
"""Seconds between the latest end of a job and the end of its token: moving files, clocks, an outage."""
LEASE = 10 * _MINUTE
"""Seconds for which a job goes on without its access point, and after which it is given up on a worker that is silent."""
_WORKER_FAILED = "(ExitBySignal =?= true || ExitCode =?= 67 || ExitCode =?= 70) && (NumHolds ?: 0) < 2"
"""The executor was killed, found no container runtime or failed itself (worker/exitcodes.py): the worker is at fault, and the
job is tried again (condor_config/policy.conf), without a retry of the user's being spent."""
CHECKPOINT = '"checkpoint"'
"""Stands in the document of every job that has checkpoints, and may stand in that of another."""
_VACATE = 300
"""Seconds that a job with checkpoints has to save one when it is moved; HTCondor allows others as much as the worker does."""
LEFT_IN_QUEUE = "JobStatus == 4 && time() - CompletionDate < 2592000"
"""A job with leaveInQueue goes 30 days after it has completed, if its user has not taken it out by then."""

_SECRET_SECTIONS = ("tasks", "inputs", "storage")
"""Parts of a document that are shown redacted, and stand whole in the job's own file."""


@dataclass(frozen=True)
class Context:
    """What a translation needs beside the document."""

    caller: Caller
    primary_issuer: str
    submission: str
    """Name of the submission: 32 hexadecimal digits."""
    sandbox: Path
    worker_program: Path
    url: str
    """Address of the REST API as jobs see it."""

    @property
    def owner(self) -> str:
        """The HTCondor Owner: the safe form of the caller's identity."""
        return owner_of(self.caller.issuer, self.caller.subject, self.primary_issuer)


def facts(job: Job, context: Context) -> dict[str, str]:
    """What never changes of a job, as its ad has it (the FACTS of `api/jobs/index.py`)."""
    return {
        attributes.Job.USER: escaped(context.caller.subject),
        attributes.Job.ISSUER: escaped(context.caller.issuer),
        attributes.Job.DOCUMENT: json.dumps(redacted(job)),
        attributes.Job.SUBMISSION: context.submission,
    }


def submit_description(job: Job, context: Context, known: Mapping[str, str]) -> dict[str, str]:
    """The submit description of a job, of which `known` are the `facts`."""
    resources, policies = job.resources, job.policies
    node = sizes(resources)
    description = {
        "universe": "vanilla",
        "executable": str(context.worker_program),
        "initialdir": str(context.sandbox),
        "output": "stdout",
        "error": "stderr",
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT",
        "transfer_input_files": f"{JOB_FILE},{TOKEN_FILE}",
        "transfer_output_files": f"{REPORT_FILE},{LOG_FILE}",
        "want_io_proxy": "true",
        "log": EVENT_LOG,
        "request_cpus": node.request_cpus,
        "request_memory": node.request_memory,
        "request_disk": str(resources.disk * 1024 * 1024),
        "allowed_job_duration": str(resources.walltime * _MINUTE),
        "job_lease_duration": str(LEASE),
        "on_exit_hold": _WORKER_FAILED,
        "on_exit_hold_reason": quoted("its worker failed"),
        "on_exit_remove": _ends(policies.maximum_retries),
        "priority": str(policies.priority),
        "requirements": placing.requirements(policies),
        "My.Owner": quoted(context.owner),
    } | accounting(context)
    rank = placing.rank(policies)
    if rank is not None:
        description["rank"] = rank
    if job.checkpoint is not None:
        description["job_max_vacate_time"] = str(_VACATE)
    if policies.leave_in_queue:
        description["leave_in_queue"] = LEFT_IN_QUEUE
    ours = {name: literal(value) for name, value in known.items()} | _attributes(job, context) | node.attributes
    description |= {f"My.{name}": value for name, value in ours.items()}
    description[f"My.{attributes.Job.DEMAND}"] = literal(demand.key(description))
    return description


def accounting(context: Context) -> dict[str, str]:
    """The submit commands that say for whom, and under which virtual organisation, the job counts."""
    return {"accounting_group": group_slug(_group(context.caller)), "accounting_group_user": context.owner}


def _attributes(job: Job, context: Context) -> dict[str, str]:
    ours: dict[str, str] = {
        attributes.Job.GROUP: quoted(_group(context.caller)),
        attributes.Job.WALLTIME: str(job.resources.walltime * _MINUTE),
    }
    if job.name:
        ours["JobBatchName"] = quoted(job.name)
    if job.labels:
        ours[attributes.Job.LABELS] = quoted_list(f"{key}={value}" for key, value in job.labels.items())
    if job.policies.maximum_time_in_queue >= 0:
        ours[attributes.Job.MAXIMUM_TIME_IN_QUEUE] = str(job.policies.maximum_time_in_queue * _MINUTE)
    return ours | placing.attributes(job.policies)


def _ends(retries: int) -> str:
    """When a run that has ended is the job's last: it did what it was to do, failed for good, or was the user's last retry."""
    spent = "NumJobCompletions - (NumHoldsByReason.JobPolicy ?: 0)"
    return f"ExitBySignal =?= true || (ExitCode =!= 1 && ExitCode =!= 65 && ExitCode =!= 66) || {spent} > {retries}"


def _group(caller: Caller) -> str:
    return caller.groups[0]


def job_file(job: Job, context: Context) -> dict[str, Any]:
    """What the executor is told: the whole document, secrets included."""
    document: Mapping[str, Any] = as_submitted(job)
    policies = job.policies
    return {
        "version": 1,
        "name": job.name,
        "resources": {
            "nodes": 1,
            **sizes(job.resources).told,
            "disk": job.resources.disk,
            "walltime": job.resources.walltime,
        },
        "tasks": document["tasks"],
        "inputs": document.get("inputs", []),
        "artifacts": document.get("artifacts", []),
        "outputFiles": document.get("outputFiles", []),
        "outputDirs": document.get("outputDirs", []),
        "storage": document.get("storage"),
        "checkpoint": _checkpoint(job),
        "policies": {
            "maximumTaskRetries": policies.maximum_task_retries,
            "ignoreTaskFailures": policies.ignore_task_failures,
            "reportJobSuccessOnTaskFailure": policies.report_job_success_on_task_failure,
        },
        "url": context.url,
        "parameters": {},
    }


def _checkpoint(job: Job) -> dict[str, Any] | None:
    """What the executor is told about checkpoints; times in seconds."""
    asked = job.checkpoint
    if asked is None:
        return None
    return {"files": list(asked.files), "interval": asked.interval * _MINUTE, "vacate": _VACATE}


def document_again(shown: Mapping[str, Any], told: Mapping[str, Any]) -> Job:
    """The document of a job from its redacted form and the `job_file` that holds what was left out of that."""
    whole = {section: told[section] for section in _SECRET_SECTIONS if section in shown}
    return Job.model_validate({**shown, **whole})


def token_lifetime(job: Job) -> int:
    """Seconds for which the job's token must be good: as long as the job may be around."""
    in_queue = job.policies.maximum_time_in_queue * _MINUTE
    waits = in_queue if in_queue > 0 else QUEUE_LIFETIME
    runs = job.resources.walltime * _MINUTE * (1 + job.policies.maximum_retries)
    return waits + runs + _MARGIN
