"""Which jobs a list asks for: its parameters, checked, and as constraints on ads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from api.errors import InvalidParameter
from pool import attributes
from pool.numbers import instance_of
from pool.state import DEPLOYING, Status
from pool.submission import constraint_string, escaped

_STATUSES = {
    "idle": "JobStatus == 1 || JobStatus == 5",
    "deploying": f"JobStatus == 1 && {attributes.Job.REASON} =?= {constraint_string(DEPLOYING)}",
    "running": "JobStatus == 2 || JobStatus == 6 || JobStatus == 7",
}
_ACTIVE = {
    Status.IDLE: ("idle",),
    # Who asks for jobs that wait asks for these as well.
    Status.DEPLOYING: ("idle", "deploying"),
    Status.RUNNING: ("running",),
}
"""Each state of a job that is active, and the `status` that it answers to."""
_MOST_IDS = 1000


@dataclass(frozen=True)
class Selection:
    """Jobs in the queue (`active`), jobs that have left it (`finished`, `limit` at most, -1: all), or both."""

    active: bool = True
    finished: bool = False
    limit: int = -1
    status: str | None = None
    name: str | None = None
    label: str | None = None
    ids: tuple[int, ...] = ()
    detail: bool = False
    workflow: int | None = None
    """Only jobs of the workflow with this id."""

    @property
    def members(self) -> list[int]:
        """Those of the ids that are of instances of workflows."""
        return [number for number in self.ids if instance_of(number) is not None]

    def without_members(self) -> Selection:
        """The same with the other ids alone."""
        return replace(self, ids=tuple(number for number in self.ids if instance_of(number) is None))

    def takes(self, status: Status) -> bool:
        """Whether a job in this state is asked for."""
        if status not in _ACTIVE:
            return self.finished and self.status is None
        return self.active and (self.status is None or self.status in _ACTIVE[status])

    def constraints(self) -> list[str]:
        """ClassAd expressions that must all hold; what a user chose stands in them as literals."""
        parts = []
        if self.status is not None:
            parts.append(_STATUSES[self.status])
        if self.name is not None:
            parts.append(f"JobBatchName =?= {constraint_string(self.name)}")
        if self.label is not None:
            parts.append(f'anyCompare("is", {attributes.Job.LABELS}, {constraint_string(escaped(self.label))})')
        if self.ids:
            parts.append(" || ".join(f"ClusterId == {number}" for number in self.ids))
        return parts


def selection(args: Mapping[str, str]) -> Selection:
    """The selection that the parameters of a request ask for; raises InvalidParameter with the parameter's name."""
    workflow = _workflow(args) if _flag(args, "workflow") else None
    everything = _flag(args, "all")
    finished = everything or _flag(args, "completed")
    count = _count(args)
    status = args.get("status")
    if status is not None and status not in _STATUSES:
        raise InvalidParameter(f"Invalid status: use one of {', '.join(_STATUSES)}.", "status")
    return Selection(
        active=everything or not finished,
        finished=finished,
        limit=-1 if everything else count,
        status=status,
        name=_text(args, "name"),
        label=_label(args),
        ids=job_ids(args["id"]) if "id" in args and workflow is None else (),
        detail=_flag(args, "detail"),
        workflow=workflow,
    )


def job_ids(text: str) -> tuple[int, ...]:
    """The ids in a comma-separated list; raises InvalidParameter."""
    parts = text.split(",")
    if len(parts) > _MOST_IDS or not all(re.fullmatch(r"[0-9]{1,15}", part.strip(), re.ASCII) for part in parts):
        raise InvalidParameter(f"id: give up to {_MOST_IDS} job ids, separated by commas.", "id")
    return tuple(int(part) for part in parts)


def _workflow(args: Mapping[str, str]) -> int:
    ids = job_ids(args.get("id", ""))
    if len(ids) != 1:
        raise InvalidParameter("id: give the id of one workflow, of which to list the jobs.", "id")
    return ids[0]


def _flag(args: Mapping[str, str], name: str) -> bool:
    return args.get(name, "false").lower() in ("", "true", "1")


def _count(args: Mapping[str, str]) -> int:
    text = args.get("num", "1")
    if not re.fullmatch(r"[0-9]{1,7}", text, re.ASCII) or int(text) < 1:
        raise InvalidParameter("num: give a whole number from 1 on.", "num")
    return int(text)


def _text(args: Mapping[str, str], name: str) -> str | None:
    text = args.get(name)
    if text is not None and "\0" in text:
        raise InvalidParameter(f"{name}: NUL is not allowed.", name)
    return text


def _label(args: Mapping[str, str]) -> str | None:
    text = args.get("constraint")
    if text is not None and not re.fullmatch(r"[A-Za-z0-9]{1,512}=[\w\-_./]{1,512}", text):
        raise InvalidParameter("Invalid constraint: give it as label=value.", "constraint")
    return text
