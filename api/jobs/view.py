"""A job as the API shows it: from its ad and the executor's report to the document of the contract. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from types import UnionType
from typing import Any

from api.jobs.progress import sentence
from pool import attributes
from pool.numbers import instance_id
from pool.state import PROJECTION, Status, state

LISTED = (
    "ClusterId",
    "QDate",
    "JobCurrentStartExecutingDate",
    "CompletionDate",
    "EnteredCurrentStatus",
    attributes.Job.USER,
    attributes.Job.ISSUER,
    attributes.Job.DOCUMENT,
    attributes.Job.SUBMISSION,
    attributes.Job.NUMBER,
    attributes.Job.PARAMETERS,
    "DAGManJobId",
    *PROJECTION,
)
"""Attributes that a job in a list is made of."""
DESCRIBED = (*LISTED, "NumJobCompletions", "MemoryUsage", "ResidentSetSize")
"""Attributes that a described job is made of."""

_LARGEST_KEPT = 8192
_ENDED = (Status.COMPLETED, Status.FAILED, Status.KILLED, Status.DELETED)
_DESCRIBED_FIELDS = ("resources", "labels", "policies", "notifications", "artifacts", "inputs", "checkpoint", "storage")


def wants_report(ad: Mapping[str, Any]) -> bool:
    """Whether only the executor's report says why the job failed or was killed."""
    ended_by_itself = ad.get("ExitCode") is not None or bool(ad.get("ExitBySignal"))
    return ended_by_itself and state(ad).status in (Status.FAILED, Status.KILLED)


def job(
    ad: Mapping[str, Any],
    report: Mapping[str, Any] | None,
    detail: bool,
    moment: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The job of an ad (at least LISTED; DESCRIBED for `detail`) and, where there is one, its report.

    `moment` is what a running job does (`api.jobs.progress.progress`).
    """
    document = _document(ad[attributes.Job.DOCUMENT])
    now = state(ad, report)
    shown: dict[str, object] = {"id": job_id(ad), "name": document.get("name", ""), "status": str(now.status)}
    reason = now.reason or (sentence(moment, len(document["tasks"])) if moment else "")
    if reason:
        shown["statusReason"] = reason
    shown |= {"tasks": document["tasks"], "events": times(ad, now.status)}
    parameters = ad.get(attributes.Job.PARAMETERS)
    if parameters and parameters != "{}":
        shown["parameters"] = json.loads(parameters)
    if detail:
        shown |= {field: document[field] for field in _DESCRIBED_FIELDS if field in document}
        execution = _execution(ad, report)
        if execution and moment:
            execution["progress"] = dict(moment)
        shown |= {"execution": execution} if execution else {}
    return shown


def _document(text: str) -> Mapping[str, Any]:
    """The document in an ad. Who submits thousands of jobs submits thousands alike: small ones are read once."""
    return _read(text) if len(text) < _LARGEST_KEPT else json.loads(text)


@lru_cache(maxsize=1024)
def _read(text: str) -> Mapping[str, Any]:
    return json.loads(text)  # type: ignore[no-any-return]


def job_id(ad: Mapping[str, Any]) -> int:
    """The id of the job with this ad (at least LISTED)."""
    number, workflow = ad.get(attributes.Job.NUMBER), ad.get("DAGManJobId")
    return int(ad["ClusterId"]) if number is None or workflow is None else instance_id(int(workflow), int(number))


def times(ad: Mapping[str, Any], status: Status) -> dict[str, int]:
    """When the job with this ad was created, started and ended, as far as it has: epoch seconds."""
    known = {"createTime": ad.get("QDate"), "startTime": ad.get("JobCurrentStartExecutingDate")}
    if status in _ENDED:
        known["endTime"] = ad.get("CompletionDate") or ad.get("EnteredCurrentStatus")
    return {name: int(time) for name, time in known.items() if time}


def _execution(ad: Mapping[str, Any], report: Mapping[str, Any] | None) -> dict[str, object]:
    """What became of the job on its workers. The report is a worker's word: a part of it that makes no sense is left out."""
    nodes = _mappings((report or {}).get("nodes"))
    if not nodes:
        return {}
    node = nodes[0]
    provisioned = node.get("provisionedResources")
    execution: dict[str, object] = {
        "site": node.get("site", ""),
        "retries": _retries(ad),
        "provisionedResources": {**(provisioned if isinstance(provisioned, dict) else {}), "nodes": len(nodes)},
        "cpu": node.get("cpu"),
        "runtimeVersion": node.get("runtimeVersion"),
        "stageInTime": node.get("stageInTime"),
        "stageOutTime": node.get("stageOutTime"),
        "tasks": [_task(task) for task in _mappings(node.get("tasks"))],
    }
    execution |= _runs(node)
    seen = [kb for kb in (ad.get("ResidentSetSize"), node.get("maxMemoryUsageKB")) if isinstance(kb, int)]
    if seen:
        execution["maxMemoryUsageKB"] = max(seen)
    checkpoint = node.get("checkpoint")
    if isinstance(checkpoint, dict):
        execution["checkpoint"] = _checkpoint(checkpoint)
    return execution


def _checkpoint(told: Mapping[str, Any]) -> dict[str, object]:
    kinds: tuple[tuple[str, type | UnionType], ...] = (("lastSaved", int | float), ("size", int), ("warning", str))
    known = {name: told[name] for name, kind in kinds if isinstance(told.get(name), kind) and told[name] != ""}
    saved = told.get("saved")
    return {"restored": told.get("restored") is not None, "saved": saved if isinstance(saved, int) else 0, **known}


def _runs(node: Mapping[str, Any]) -> dict[str, object]:
    """What the last run said of those before it: which of them were retries, and which were interrupted."""
    told = node.get("run")
    counts = ("retries", "interruptions")
    return {name: told[name] for name in counts if isinstance(told.get(name), int)} if isinstance(told, dict) else {}


def _retries(ad: Mapping[str, Any]) -> int:
    """Runs after the first, where its report does not say: one that goes on counts, as those that ended do."""
    ended = int(ad.get("NumJobCompletions") or 0)
    return ended if state(ad).status == Status.RUNNING else max(0, ended - 1)


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _task(task: Mapping[str, Any]) -> dict[str, object]:
    names = ("exitCode", "retries", "imagePullTime", "imagePullStatus", "imageSha256")
    told = {name: task.get(name) for name in (*names, "wallTimeUsage", "cpuTimeUsage", "maxResidentSetSizeKB")}
    return told | {name: task[name] for name in ("readBytes", "writtenBytes") if isinstance(task.get(name), int)}
