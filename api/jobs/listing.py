"""Which jobs a list asks for: its parameters, checked, and as constraints on ads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from api.errors import InvalidParameter
from pool import attributes
from pool.submission import constraint_string, escaped

_STATUSES = {
    "idle": "JobStatus == 1 || JobStatus == 5",
    "running": "JobStatus == 2 || JobStatus == 6 || JobStatus == 7",
}
_MOST_IDS = 1000
_LARGEST_ID = 2**31 - 1


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
    if _flag(args, "workflow"):
        raise InvalidParameter("workflow: workflows are not available on this server.", "workflow")
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
        ids=job_ids(args["id"]) if "id" in args else (),
        detail=_flag(args, "detail"),
    )


def job_ids(text: str) -> tuple[int, ...]:
    """The ids in a comma-separated list; raises InvalidParameter."""
    parts = text.split(",")
    if len(parts) > _MOST_IDS or not all(re.fullmatch(r"[0-9]{1,10}", part.strip(), re.ASCII) for part in parts):
        raise InvalidParameter(f"id: give up to {_MOST_IDS} job ids, separated by commas.", "id")
    return tuple(min(int(part), _LARGEST_ID) for part in parts)


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
