"""What a running job does at the moment, as its executor last said it (worker/progress.py): for people and for programs. Pure.

It is a worker's word: what makes no sense in it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pool.state import JobStatus

_LONGEST_ITEM = 512
_LARGEST = 2.0**53

SENTENCES = {
    "stagingIn": "Fetching its files{percent}.",
    "restoringCheckpoint": "Bringing back its checkpoint{percent}.",
    "pullingImage": "Pulling image{percent}{of}.",
    "runningTask": "Running{of}.",
    "stagingOut": "Storing its outputs{percent}.",
    "savingCheckpoint": "Saving its checkpoint before it moves to another worker.",
}
"""What is said of a job in each phase."""
RUNNING_TASK = "runningTask"


def run_of(ad: Mapping[str, Any]) -> float | None:
    """Since when the job with this ad runs, epoch seconds of the access point; None where it does not, or sends its output."""
    return float(ad.get("EnteredCurrentStatus") or 0) if ad.get("JobStatus") == JobStatus.RUNNING else None


def progress(said: Mapping[str, Any] | None, began: float) -> dict[str, object] | None:
    """The fields of `execution.progress`, None where nothing was said that can be understood.

    `began` is when the present run was begun, epoch seconds: the worker's clock may be another.
    """
    phase, since = (said or {}).get("phase"), number((said or {}).get("since"))
    if said is None or not isinstance(phase, str) or phase not in SENTENCES or since is None:
        return None
    shown: dict[str, object] = {"phase": phase, "since": max(since, began)}
    task, item, percent = number(said.get("task")), said.get("item"), number(said.get("percent"))
    if task is not None and task >= 0:
        shown["task"] = int(task)
    if isinstance(item, str) and item:
        shown["item"] = item[:_LONGEST_ITEM]
    if percent is not None and 0 <= percent <= 100:
        shown["percent"] = int(percent)
    return shown


def sentence(shown: Mapping[str, object], tasks: int) -> str:
    """What is said of a job with so many tasks; nothing where its only one runs."""
    place = shown.get("task")
    if tasks == 1 and shown["phase"] == RUNNING_TASK:
        return ""
    of = f" task {place + 1} of {tasks}" if isinstance(place, int) and tasks > 1 else ""
    if shown["phase"] != RUNNING_TASK and of:
        of = f" for{of}"
    percent = f" {shown['percent']} %" if "percent" in shown else ""
    return SENTENCES[str(shown["phase"])].format(percent=percent, of=of)


def number(value: object) -> float | None:
    """A number that a worker said, None where it is none that makes sense."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _LARGEST else None
