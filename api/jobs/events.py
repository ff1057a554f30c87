"""What happened to a job, oldest first: from its event log, its ad and the executor's report to one list.

Each source tells what the others cannot: the log every start, interruption and hold, the report what the last run's tasks did,
the ad how it ended and, for a job whose log is gone, the outline of it all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from api.jobs import folder, progress
from api.jobs.commands import JobsOf
from api.jobs.sandbox import EVENT_LOG
from identity.caller import Caller
from pool import event_log
from pool.attributes import Job
from pool.event_log import Kind, LogEvent, Transfer
from pool.session import Pool
from pool.state import DEPLOYING, Status, state
from pool.submission import unescaped

_WAITING = ("LastRejMatchReason", "LastRejMatchTime", "EnteredCurrentStatus")
_ENDED = (Status.COMPLETED, Status.FAILED, Status.KILLED, Status.DELETED)
_ALIAS = re.compile(r"[?&]alias=([A-Za-z0-9._-]+)")
_TOGETHER = 2.0
"""Seconds within which a site is that of the worker on its way, and not of another one that was ordered later."""
_NO_MATCH = "No worker that could run it is free at the moment."

Event = dict[str, Any]


class Events:
    """Tells what happened to jobs."""

    def __init__(self, jobs: JobsOf, pool: Pool) -> None:
        self._jobs = jobs
        self._pool = pool

    def of(self, number: int, caller: Caller) -> list[Event]:
        """The events of the caller's job; raises NoSuchJob, NotYours."""
        ad, sandbox = self._jobs.found(number, caller)
        waiting = self._pool.query(f"ClusterId == {int(number)}", _WAITING, 1) if ad.get("JobStatus") == 1 else []
        with folder.opened(sandbox.path / EVENT_LOG) as descriptor:
            log = [] if descriptor is None else list(event_log.read(descriptor))
        began = progress.run_of(ad)
        moment = None if began is None else progress.progress(sandbox.progress(began), began)
        return events({**ad, **(waiting[0] if waiting else {})}, sandbox.report(), log, moment)


def events(
    ad: Mapping[str, Any],
    report: Mapping[str, Any] | None,
    log: Iterable[LogEvent],
    moment: Mapping[str, Any] | None = None,
) -> list[Event]:
    """The events of a job with this ad (a listed job's attributes, and for an idle one LastRejMatchReason and -Time).

    `moment` is what a running job does (`api.jobs.progress.progress`): the last event, unless another tells of it.
    """
    found: list[Event] = [_event(ad.get("QDate"), "created")]
    runs = _Runs()
    coming = _Coming()
    for entry in log:
        found += coming.told_by(entry) if entry.kind == Kind.ATTRIBUTE else runs.told_by(entry)
    if not runs.count and ad.get("JobCurrentStartExecutingDate"):
        runs.count, runs.started = 1, float(ad["JobCurrentStartExecutingDate"])
        found.append(_event(runs.started, "started"))
    found += [_within(event, runs) for event in _of_report(report)] if runs.count else []
    told = sorted((event for event in found if event["time"] is not None), key=lambda event: float(event["time"]))
    for event in (*_of_moment(moment), *_last(ad, report)):
        # The ad has whole seconds: what the job has come to is after all that led to it.
        told.append({**event, "time": max(event["time"] or 0, *(earlier["time"] for earlier in told), 0)})
    return told


class _Runs:
    """What the log tells, with the runs counted: `started` and `ended` are the times of the last one."""

    def __init__(self) -> None:
        self.count = 0
        self.started = 0.0
        self.ended = float("inf")

    def told_by(self, entry: LogEvent) -> Iterator[Event]:
        """The events in one entry of the log."""
        facts = entry.facts
        match entry.kind:
            case Kind.FILES_MOVED if facts.get("Type") == Transfer.INPUT_STARTED:
                yield _event(entry.time, "deployed", host=_host(facts.get("Host")))
            case Kind.FILES_MOVED if facts.get("Type") == Transfer.OUTPUT_STARTED:
                self.ended = entry.time
            case Kind.FILES_MOVED if facts.get("Type") == Transfer.OUTPUT_ENDED:
                yield _event(entry.time, "outputReturned")
            case Kind.EXECUTING:
                self.count, self.started, self.ended = self.count + 1, entry.time, float("inf")
                name = "started" if self.count == 1 else "restarted"
                yield _event(entry.time, name, host=_host(facts.get("ExecuteHost")), run=self.count)
            case Kind.EVICTED | Kind.RECONNECT_FAILED | Kind.SHADOW_FAILED | Kind.PROGRAM_FAILED:
                self.ended = min(self.ended, entry.time)
                yield _event(entry.time, "interrupted", reason=_reason(facts))
            case Kind.HELD:
                self.ended = min(self.ended, entry.time)
                yield _event(entry.time, "held", reason=_reason(facts), code=facts.get("HoldReasonCode"))
            case Kind.RELEASED | Kind.REMOVED | Kind.DISCONNECTED | Kind.RECONNECTED:
                yield _event(entry.time, entry.kind.name.lower(), reason=_reason(facts))


class _Coming:
    """Workers on their way, as the provisioner noted them: the code of a reason and the site are attributes of their own."""

    def __init__(self) -> None:
        self._site = ""
        self._last: Event | None = None

    def told_by(self, entry: LogEvent) -> Iterator[Event]:
        """The events in a change of an attribute."""
        name, value = entry.facts.get("Attribute"), entry.facts.get("Value")
        if name == Job.REASON_SITE:
            self._site = unescaped(str(value or ""))
            if self._last is not None and entry.time - self._last["time"] <= _TOGETHER:
                self._last["site"] = self._site
            elif self._last is not None:
                yield self._at(entry.time)
        elif name == Job.REASON:
            self._last = None
            if value == DEPLOYING:
                yield self._at(entry.time)

    def _at(self, when: float) -> Event:
        self._last = _event(when, "deploying", site=self._site)
        return self._last


def _of_report(report: Mapping[str, Any] | None) -> Iterator[Event]:
    """What the tasks of the last run did; the report is a worker's word, and what makes no sense in it is left out."""
    for node in _mappings((report or {}).get("nodes")):
        yield from _of_checkpoint(node)
        for number, task in enumerate(_mappings(node.get("tasks"))):
            begun, pull, ended = (progress.number(task.get(name)) for name in ("startTime", "imagePullTime", "endTime"))
            if begun is None:
                continue
            pulled = begun + max(0.0, pull or 0.0)
            status = task.get("imagePullStatus")
            yield _event(pulled, "imagePulled", task=number, status=status, seconds=max(0.0, pull or 0.0))
            if status != "failed":
                yield _event(pulled, "taskStarted", task=number, site=node.get("site"))
                yield _event(ended, "taskEnded", task=number, exitCode=task.get("exitCode"))


def _of_checkpoint(node: Mapping[str, Any]) -> Iterator[Event]:
    told = node.get("checkpoint")
    if isinstance(told, dict):
        yield _event(progress.number(told.get("restored")), "checkpointRestored")
        yield _event(
            progress.number(told.get("lastSaved")), "checkpointSaved", number=told.get("saved"), size=told.get("size")
        )


def _of_moment(moment: Mapping[str, Any] | None) -> Iterator[Event]:
    if moment is not None and moment["phase"] != progress.RUNNING_TASK:
        yield _event(
            moment["since"], moment["phase"], **{name: moment.get(name) for name in ("task", "item", "percent")}
        )


def _within(event: Event, runs: _Runs) -> Event:
    """The event, moved into the time of its run: the worker's clock may be another."""
    if event["time"] is not None:
        event["time"] = min(max(event["time"], runs.started), runs.ended)
    return event


def _last(ad: Mapping[str, Any], report: Mapping[str, Any] | None) -> Iterator[Event]:
    now = state(ad, report)
    if now.status in _ENDED:
        when = ad.get("CompletionDate") or ad.get("EnteredCurrentStatus")
        yield _event(when, "ended", status=str(now.status), reason=now.reason)
    elif ad.get("JobStatus") == 1:
        refused = ad.get("LastRejMatchTime")
        reason = now.reason or (_NO_MATCH if refused else "It is waiting for its turn.")
        yield _event(refused or ad.get("EnteredCurrentStatus") or ad.get("QDate"), "waiting", reason=reason)


def _event(when: Any, name: str, **details: Any) -> Event:
    facts = {key: value for key, value in details.items() if value not in (None, "")}
    return {"time": when, "event": name, **facts}


def _host(address: object) -> str:
    """The host in an address of HTCondor's."""
    match = _ALIAS.search(str(address))
    return match.group(1) if match else ""


def _reason(facts: Mapping[str, Any]) -> str:
    for name in ("HoldReason", "Reason", "DisconnectReason", "Message"):
        if isinstance(facts.get(name), str):
            return str(facts[name])
    return ""


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
