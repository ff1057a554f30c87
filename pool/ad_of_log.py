"""What a job's event log says of it, as the attributes that its ad in the queue has. Pure.

A schedd finds one job among very many by looking at all of them. The event log of the job (`log` in its submit description) is
one small file, and HTCondor writes every change of the job's state to it: DAGMan trusts nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pool.attributes import Job
from pool.event_log import Kind, LogEvent, Transfer
from pool.state import JobStatus

Facts = dict[str, Any]

LATER = (Job.REASON, Job.REASON_TEXT, Job.REASON_SITE)
"""Attributes that are set when the job is in the queue already, with HTCondor's flag ShouldLog."""


def ad_of_log(constant: Mapping[str, Any], log: Iterable[LogEvent]) -> Facts | None:
    """The ad of a job, from attributes that never change and its events in order; None where no event says that it is a job."""
    ad: Facts = dict(constant)
    for event in log:
        if event.kind == Kind.SUBMITTED:
            # An instance of a workflow that is run again is another job in the queue, with the same log.
            ad = dict(constant)
        rule = _RULES.get(event.kind)
        if rule is not None:
            rule(ad, event)
    return ad if "QDate" in ad else None


def _enter(ad: Facts, event: LogEvent, status: JobStatus) -> None:
    ad |= {"JobStatus": int(status), "EnteredCurrentStatus": int(event.time)}


def _submitted(ad: Facts, event: LogEvent) -> None:
    ad |= {"ClusterId": int(event.facts["Cluster"]), "QDate": int(event.time), "NumHolds": 0, "NumJobCompletions": 0}
    _enter(ad, event, JobStatus.IDLE)


def _executing(ad: Facts, event: LogEvent) -> None:
    ad["JobCurrentStartExecutingDate"] = int(event.time)
    _enter(ad, event, JobStatus.RUNNING)


def _moving(ad: Facts, event: LogEvent) -> None:
    kind = event.facts.get("Type")
    if kind == Transfer.OUTPUT_STARTED:
        _enter(ad, event, JobStatus.TRANSFERRING_OUTPUT)
    elif kind in (Transfer.INPUT_STARTED, Transfer.INPUT_ENDED):
        _enter(ad, event, JobStatus.RUNNING)


def _size(ad: Facts, event: LogEvent) -> None:
    if "ResidentSetSize" in event.facts:
        ad["ResidentSetSize"] = event.facts["ResidentSetSize"]


def _ended_once(ad: Facts, event: LogEvent) -> None:
    signal = event.facts.get("TerminatedBySignal")
    ad |= {"ExitBySignal": signal is not None, "ExitSignal": signal, "ExitCode": event.facts.get("ReturnValue")}
    ad["NumJobCompletions"] = ad.get("NumJobCompletions", 0) + 1


def _back(ad: Facts, event: LogEvent) -> None:
    if event.facts.get("TerminatedAndRequeued"):
        _ended_once(ad, event)
    _enter(ad, event, JobStatus.IDLE)


def _terminated(ad: Facts, event: LogEvent) -> None:
    _ended_once(ad, event)
    ad["CompletionDate"] = int(event.time)
    _enter(ad, event, JobStatus.COMPLETED)


def _held(ad: Facts, event: LogEvent) -> None:
    names = ("HoldReason", "HoldReasonCode")
    ad |= {name: event.facts.get(name) for name in names} | {"NumHolds": ad.get("NumHolds", 0) + 1}
    _enter(ad, event, JobStatus.HELD)


def _off_hold(ad: Facts) -> None:
    for name in ("HoldReason", "HoldReasonCode"):
        if name in ad:
            ad[f"Last{name}"] = ad.pop(name)


def _released(ad: Facts, event: LogEvent) -> None:
    _off_hold(ad)
    _enter(ad, event, JobStatus.IDLE)


def _removed(ad: Facts, event: LogEvent) -> None:
    _off_hold(ad)
    ad["RemoveReason"] = event.facts.get("Reason")
    _enter(ad, event, JobStatus.REMOVED)


def _changed(ad: Facts, event: LogEvent) -> None:
    if event.facts.get("Attribute") in LATER:
        ad[event.facts["Attribute"]] = event.facts.get("Value")


_RULES: Mapping[Kind, Callable[[Facts, LogEvent], None]] = {
    Kind.SUBMITTED: _submitted,
    Kind.EXECUTING: _executing,
    Kind.FILES_MOVED: _moving,
    Kind.SIZE: _size,
    Kind.EVICTED: _back,
    Kind.SHADOW_FAILED: _back,
    Kind.RECONNECT_FAILED: _back,
    Kind.TERMINATED: _terminated,
    Kind.HELD: _held,
    Kind.RELEASED: _released,
    Kind.REMOVED: _removed,
    Kind.ATTRIBUTE: _changed,
}
