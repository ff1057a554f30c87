"""What a job's document, as the service answers it, says: pure functions over the decoded JSON.

Documents stay plain dictionaries: the service may add fields at any time, and what is not known here
must reach the user all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
"""A decoded JSON object: a job as it is sent or answered."""

ENDED = frozenset({"completed", "failed", "killed", "deleted"})
"""The states which a job does not leave any more."""


@dataclass(frozen=True)
class CommandResult:
    """What a command in a running job did; `truncated` where it wrote more than is kept."""

    exit_code: int
    stdout: str
    stderr: str
    truncated: bool

    @classmethod
    def of(cls, answer: Any) -> CommandResult:
        """Read the service's answer. Raises KeyError or TypeError where it is none."""
        code, stdout, stderr = answer["exitCode"], answer["stdout"], answer["stderr"]
        if not isinstance(code, int) or not isinstance(stdout, str) or not isinstance(stderr, str):
            raise TypeError
        return cls(code, stdout, stderr, bool(answer.get("truncated")))


def has_ended(job: Document) -> bool:
    """Tell whether the job is in one of its last states."""
    return job.get("status") in ENDED


def exit_code(job: Document) -> int:
    """Return what a shell should see (0..255) for a job that has ended.

    A completed job gives the exit code of its first failing task, or 0; a failed, killed or deleted one 1.
    A task without an exit code never ran (counted as 1); one ended by signal n gives 128 + n.
    """
    if job.get("status") != "completed":
        return 1
    for task in tasks_run(job):
        code = task.get("exitCode")
        if code != 0:
            return as_shell(code)
    return 0


def workflow_exit_code(workflow: Document) -> int:
    """Return what a shell should see for a workflow that has ended: 0 where all of its jobs ended well, else 1."""
    return 0 if workflow.get("status") == "completed" else 1


def as_shell(code: object) -> int:
    """Return the exit code of a failed task or command as a shell shows it, 1 where there is none; never 0."""
    if not isinstance(code, int):
        return 1
    if code < 0:
        return min(128 - code, 255)
    return code & 0xFF or 1


def tasks_run(job: Document) -> list[Document]:
    """Return the records of the tasks which count for success: a sidecar is ended with the job."""
    records = (job.get("execution") or {}).get("tasks") or []
    wanted = job.get("tasks") or []
    if len(records) != len(wanted):
        return list(records)
    return [record for index, record in enumerate(records) if wanted[index].get("type") != "sidecar"]


def elapsed(job: Document, now: float) -> float | None:
    """Return for how many seconds the job has run by `now` (epoch seconds), None where that is not known."""
    events = job.get("events") or {}
    start: float | None = events.get("startTime")
    end: float | None = events.get("endTime")
    if start is None or (end is None and has_ended(job)):
        return None
    return max(0.0, (now if end is None else end) - start)


def summary(job: Document, what: str = "Job") -> str:
    """Return one line: what it is, id, state and, where there is one, the reason."""
    reason = job.get("statusReason")
    return f"{what} {job['id']} {job['status']}" + (f": {reason}" if reason else "")
