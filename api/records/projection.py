"""From the ad of a job that left the queue, and its report, to a row of the table `jobs`. Pure.

The ad and the report are kept as far as `api/jobs/view.py` looks at them, so that a finished job is shown by the same code as
one in the queue; what lists and accounting search by stands in columns of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from api.jobs.view import DESCRIBED
from api.records.tables import digest
from api.workflows import outcome
from api.workflows.view import SHOWN
from pool import attributes
from pool.state import WAITING, state

_CPU_SECONDS = (
    ("CumulativeRemoteUserCpu", "CumulativeRemoteSysCpu"),
    ("RemoteUserCpu", "RemoteSysCpu"),
)
_JOB, _WORKFLOW = (tuple(name for name in names if name not in WAITING) for names in (DESCRIBED, SHOWN))
RECORDED: tuple[str, ...] = (
    *_JOB,
    *(name for name in _WORKFLOW if name not in _JOB and name != attributes.Job.LABELS),
    "ProcId",
    "Owner",
    "JobBatchName",
    "RequestCpus",
    "CpusProvisioned",
    attributes.Job.CPUS_MAX,
    "MaxHosts",
    "RemoteWallClockTime",
    *(name for names in _CPU_SECONDS for name in names),
    attributes.Job.GROUP,
    attributes.Job.LABELS,
)
"""Attributes of an ad that a record is made of."""

_REQUIRED: dict[str, type] = {
    "ClusterId": int,
    "ProcId": int,
    "Owner": str,
    "QDate": int,
    "JobStatus": int,
    attributes.Job.SUBMISSION: str,
    attributes.Job.USER: str,
    attributes.Job.ISSUER: str,
    attributes.Job.DOCUMENT: str,
}
_SUBMISSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LONGEST_SITE = 256

Row = dict[str, Any]


def problem(ad: Mapping[str, Any]) -> str | None:
    """Why nothing can be recorded of a job with this ad, in some words; None where it can."""
    for name, kind in _REQUIRED.items():
        if not isinstance(ad.get(name), kind):
            return f"its {name} is missing, or of another type"
    # It names a folder.
    return None if _SUBMISSION.fullmatch(ad[attributes.Job.SUBMISSION]) else "its submission is no name"


def row(ad: Mapping[str, Any], report: Mapping[str, Any] | None) -> Row:
    """The row of a job with this ad (RECORDED; it has no `problem`) and report, its labels under `labels` as digests."""
    cpus, nodes = _cpus(ad), _nodes(ad)
    issuer, subject = str(ad[attributes.Job.ISSUER]), str(ad[attributes.Job.USER])
    instances = int(_number(ad, attributes.Job.INSTANCES)) or None
    # A workflow's own time is DAGMan's, at the access point: its user has used what its jobs have.
    wall = max(_number(ad, "RemoteWallClockTime"), _reported_wall_seconds(ad, report)) if instances is None else 0
    return {
        "submission": str(ad[attributes.Job.SUBMISSION]),
        "proc": int(ad["ProcId"]),
        "id": int(ad["ClusterId"]),
        "person": digest(issuer, subject),
        "issuer": issuer,
        "subject": subject,
        "owner": str(ad["Owner"]),
        "vo": str(ad.get(attributes.Job.GROUP) or ""),
        "name": str(ad.get("JobBatchName") or ""),
        "status": str((state(ad, report) if instances is None else outcome.of(ad, "")).status),
        "created": int(ad["QDate"]),
        "started": int(_number(ad, "JobCurrentStartExecutingDate")) or None,
        "ended": ended(ad),
        "workflow": int(_number(ad, "DAGManJobId")) or None,
        "cpus": cpus,
        "nodes": nodes,
        "wall_seconds": wall,
        "core_seconds": wall * cpus * nodes,
        "cpu_seconds": max(_cpu_seconds(ad), _reported_cpu_seconds(report)),
        "site": _site(report),
        "ad": json.dumps({name: ad.get(name) for name in (_JOB if instances is None else _WORKFLOW)}),
        "report": None if report is None else json.dumps(report),
        "instances": instances,
        "labels": [digest(str(label)) for label in labels(ad)],
    }


def labels(ad: Mapping[str, Any]) -> list[Any]:
    """The labels of the job, `key=value` each, encoded as in ads."""
    found = ad.get(attributes.Job.LABELS)
    return found if isinstance(found, list) else []


def ended(ad: Mapping[str, Any]) -> int:
    """When the job ended, epoch seconds."""
    return int(_number(ad, "CompletionDate") or _number(ad, "EnteredCurrentStatus") or _number(ad, "QDate"))


def _cpus(ad: Mapping[str, Any]) -> int:
    """CPUs of a node; where there was a choice, those that the slot had. It may have more, made for another job."""
    least, most = int(_number(ad, "RequestCpus")) or 1, int(_number(ad, attributes.Job.CPUS_MAX))
    return max(least, min(most, int(_number(ad, "CpusProvisioned")))) if most else least


def _nodes(ad: Mapping[str, Any]) -> int:
    return max(1, int(_number(ad, "MaxHosts")))


def _number(values: Mapping[str, Any], name: str) -> float:
    value = values.get(name)
    # A worker's word may be anything; what is no finite, positive number counts as nothing.
    return value if isinstance(value, int | float) and 0 < value < 2**53 else 0


def _cpu_seconds(ad: Mapping[str, Any]) -> float:
    return max(sum(_number(ad, name) for name in names) for names in _CPU_SECONDS)


def _reported_cpu_seconds(report: Mapping[str, Any] | None) -> float:
    tasks = (task for node in _mappings(report, "nodes") for task in _mappings(node, "tasks"))
    return sum(_number(task, "cpuTimeUsage") for task in tasks)


def _reported_wall_seconds(ad: Mapping[str, Any], report: Mapping[str, Any] | None) -> float:
    """What the executor measured: HTCondor counts whole seconds, of which a short job has none."""
    node = next(_mappings(report, "nodes"), {})
    start, end = _number(node, "startTime"), _number(node, "endTime")
    return end - start if start and 0 < end - start <= ended(ad) - int(ad["QDate"]) + 1 else 0


def _site(report: Mapping[str, Any] | None) -> str:
    node = next(_mappings(report, "nodes"), {})
    site = node.get("site")
    # A worker's word: no database takes every character that JSON has.
    text = site.encode("utf-8", "replace").decode().replace("\0", "") if isinstance(site, str) else ""
    return text[:_LONGEST_SITE]


def _mappings(value: Mapping[str, Any] | None, name: str) -> Iterator[Mapping[str, Any]]:
    entries = (value or {}).get(name)
    return (entry for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else iter(())
