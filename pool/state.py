"""What a job's ad says of its state: one pure function, tested as a table.

The states are those of the API: idle, deploying, running, completed, failed, killed, deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from pool.attributes import (
    BY_DAGMAN,
    BY_WORKFLOW,
    COULD_NOT_GO_ON,
    DELETED_BY_USER,
    NEVER_RAN,
    NOT_TO_BE_HAD,
    TAKEN_OUT_BY_USER,
    Job,
)
from pool.submission import unescaped


class Status(StrEnum):
    """A job's state as users see it."""

    IDLE = "idle"
    DEPLOYING = "deploying"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    KILLED = "killed"
    DELETED = "deleted"


@dataclass(frozen=True)
class State:
    """A state and, when there is something to say, a sentence about it."""

    status: Status
    reason: str = ""


class JobStatus(IntEnum):
    """HTCondor's JobStatus."""

    IDLE = 1
    RUNNING = 2
    REMOVED = 3
    COMPLETED = 4
    HELD = 5
    TRANSFERRING_OUTPUT = 6
    SUSPENDED = 7


ENDED = (JobStatus.REMOVED, JobStatus.COMPLETED)
"""Where a job that has ended is."""


class Hold(IntEnum):
    """HTCondor's HoldReasonCodes that mean something of their own to users."""

    BY_OPERATOR = 1
    WORKER_FAILED = 3
    OUTPUT_NOT_MOVED = 12
    INPUT_NOT_MOVED = 13
    MEMORY = 34
    JOB_DURATION = 46
    EXECUTE_DURATION = 47


WAITING = (Job.REASON, Job.REASON_TEXT)
"""The attributes of PROJECTION that say something while a job is idle alone."""
PROJECTION = (
    "JobStatus",
    "ExitCode",
    "ExitBySignal",
    "ExitSignal",
    "HoldReason",
    "HoldReasonCode",
    "LastHoldReason",
    "LastHoldReasonCode",
    "NumHolds",
    "RemoveReason",
    *WAITING,
)
"""The attributes that `state` looks at."""

DEPLOYING = "deploying"
"""The reason why a job waits that means that a worker is on its way for it."""

TRIES = 3
"""How often the pool's policy (condor_config/policy.conf) tries a job that its worker failed, or whose files were not moved."""
_TRIED_AGAIN = {
    Hold.WORKER_FAILED: "Its worker failed; it is tried again in a moment.",
    Hold.OUTPUT_NOT_MOVED: "Its files could not be moved; that is tried again in a minute.",
    Hold.INPUT_NOT_MOVED: "Its files could not be moved; that is tried again in a minute.",
}

_WALLTIME = State(Status.KILLED, "It ran longer than its walltime.")
_MEMORY = State(Status.KILLED, "It used more memory than it asked for.")

# The executor's exit codes (worker/exitcodes.py) that are failures of something other than the user's own programs.
_EXECUTOR = {
    65: "A container image could not be had.",
    66: "An input could not be put into place.",
    67: "The container runtime could not start.",
    70: "The program that runs tasks on the worker failed.",
}
_OUT_OF_MEMORY = 68
"""The exit code of an executor that ended the tasks because of their memory."""
_DELETED = 69
"""That of an executor whose job had been deleted before it began."""


def state(ad: Mapping[str, Any], report: Mapping[str, Any] | None = None) -> State:
    """The state of the job with this ad (at least PROJECTION) and, once it has ended, its report."""
    match ad.get("JobStatus"):
        case JobStatus.RUNNING | JobStatus.TRANSFERRING_OUTPUT | JobStatus.SUSPENDED:
            return State(Status.RUNNING)
        case JobStatus.COMPLETED:
            return _completed(ad, report)
        case JobStatus.REMOVED:
            return _removed(ad, report)
        case JobStatus.HELD:
            return _held(ad)
    return _idle(ad)


def _idle(ad: Mapping[str, Any]) -> State:
    text = ad.get(Job.REASON_TEXT)
    status = Status.DEPLOYING if ad.get(Job.REASON) == DEPLOYING else Status.IDLE
    return State(status, unescaped(text) if isinstance(text, str) else "")


def _completed(ad: Mapping[str, Any], report: Mapping[str, Any] | None) -> State:
    if ad.get("ExitBySignal"):
        return State(
            Status.FAILED, f"The program that runs tasks on the worker was killed (signal {ad.get('ExitSignal')})."
        )
    code = ad.get("ExitCode")
    if code in (0, 1):
        return State(Status.COMPLETED, _reported(report))
    if code == _DELETED:
        return State(Status.DELETED)
    if code == _OUT_OF_MEMORY:
        return State(Status.KILLED, _reported(report) or _MEMORY.reason)
    known = _EXECUTOR.get(code or -1, f"The program that runs tasks on the worker ended with code {code}.")
    return State(Status.FAILED, _reported(report) or known)


def _reported(report: Mapping[str, Any] | None) -> str:
    reason = (report or {}).get("reason")
    message = reason.get("message") if isinstance(reason, dict) else None
    return message if isinstance(message, str) else ""


def _held(ad: Mapping[str, Any]) -> State:
    code = ad.get("HoldReasonCode")
    if code == Hold.BY_OPERATOR:
        return State(Status.IDLE, "An operator of the service holds it.")
    if code in _TRIED_AGAIN and (ad.get("NumHolds") or 0) < TRIES:
        return State(Status.IDLE, _TRIED_AGAIN[code])
    return _gave_up(code, ad.get("HoldReason"))


def _gave_up(code: object, reason: object) -> State:
    match code:
        case Hold.JOB_DURATION | Hold.EXECUTE_DURATION:
            return _WALLTIME
        case Hold.MEMORY:
            return _MEMORY
        case Hold.INPUT_NOT_MOVED:
            return State(Status.FAILED, "Its files could not be moved to the worker.")
        case Hold.OUTPUT_NOT_MOVED:
            return State(Status.FAILED, "Its files could not be brought back from the worker.")
    return State(Status.FAILED, f"It could not go on: {reason or 'the queue gave no reason'}.")


def _removed(ad: Mapping[str, Any], report: Mapping[str, Any] | None) -> State:
    reason = str(ad.get("RemoveReason") or "")
    if TAKEN_OUT_BY_USER in reason:
        return _completed(ad, report)
    if any(why in reason for why in (DELETED_BY_USER, BY_WORKFLOW, BY_DAGMAN)):
        return State(Status.DELETED)
    if reason == NEVER_RAN:
        return State(Status.FAILED, "It never ran: its workflow ended before, because other jobs failed.")
    if reason.startswith(NOT_TO_BE_HAD):
        why = unescaped(reason.removeprefix(NOT_TO_BE_HAD)).removeprefix(": ").removeprefix("waiting: ")
        return State(Status.FAILED, f"It was not to wait (its maximumTimeInQueue is 0), and {NOT_TO_BE_HAD}: {why}")
    if "maximumTimeInQueue" in reason:
        return State(Status.FAILED, "It waited in the queue longer than its maximumTimeInQueue.")
    if COULD_NOT_GO_ON in reason:
        # A job on hold that is removed has its reason for the hold moved to "Last", though not in the same moment.
        last = ad.get("HoldReasonCode") is None
        code, why = ("LastHoldReasonCode", "LastHoldReason") if last else ("HoldReasonCode", "HoldReason")
        return _gave_up(ad.get(code), ad.get(why))
    return State(Status.KILLED, f"It was removed from the queue: {reason or 'no reason was given'}.")
