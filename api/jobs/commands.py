"""What can be asked of a running job: to run a command in it, or to archive some of its files. No HTTP."""

from __future__ import annotations

import base64
import binascii
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, Protocol

from api.errors import InvalidParameter, StorageFailed
from api.jobs.errors import JobStopped, NoSnapshot, NotAnswered, NotRunning, RequestRefused, ServiceBusy
from api.jobs.exchange import LONGEST, Exchange
from api.jobs.sandbox import Sandbox
from api.jobs.watch import JobWatch
from api.records.commands import Command
from database.errors import DatabaseUnavailable
from identity.caller import Caller
from pool import attributes
from pool.session import Ad
from pool.state import state

_RUNNING = (2, 6, 7)
_LONGEST_COMMAND = 1000
_LONGEST_WORD = 100_000
_LONGEST_PATH = 4096
_LONGEST_SENTENCE = 2000

_log = logging.getLogger(__name__)


class JobsOf(Protocol):
    """Where jobs are found."""

    def found(self, number: int, caller: Caller) -> tuple[Ad, Sandbox]:
        """The ad (with JobStatus and what else makes a listed job) of the caller's job, and its folder.

        Raises NoSuchJob, NotYours.
        """


class Upload(Protocol):
    """A link to put an object to."""

    @property
    def url(self) -> str:
        """Where the bytes go, by PUT."""


class SnapshotStore(Protocol):
    """Where snapshots are kept, by the job's submission."""

    def snapshot_link(self, submission: str) -> Upload:
        """Where the archive is put, in place of an earlier one."""

    def snapshot_url(self, submission: str) -> str | None:
        """Where the latest archive can be fetched; None where there is none."""


class CommandLog(Protocol):
    """Remembers who ran what; `api.records.commands.Commands` does."""

    def add(self, command: Command) -> None:
        """Stores a command. Raises DatabaseUnavailable."""

    def of_job(self, submission: str) -> Sequence[Command]:
        """The latest commands of a job, in the order in which they were stored. Raises DatabaseUnavailable."""


@dataclass(frozen=True)
class Result:
    """What became of a command. Output beyond a limit is cut, which `stdout_cut` and `stderr_cut` tell."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    stdout_cut: bool
    stderr_cut: bool


@dataclass(frozen=True)
class Limits:
    """Seconds, and how many requests one process of the service waits for at a time."""

    command: float = 60.0
    """Of a command that names no time limit."""
    longest_command: float = 600.0
    snapshot: float = 600.0
    at_once: int = 8


class Commands:
    """Asks running jobs. Safe to share between threads."""

    def __init__(
        self,
        jobs: JobsOf,
        watch: JobWatch,
        record: CommandLog,
        snapshots: SnapshotStore | None,
        limits: Limits | None = None,
        wait: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._jobs = jobs
        self._watch = watch
        self._record = record
        self._snapshots = snapshots
        self._limits = limits or Limits()
        self._places = BoundedSemaphore(self._limits.at_once)
        self._wait = wait
        self._now = now

    def run(self, number: int, caller: Caller, command: Sequence[str], seconds: float | None) -> Result:
        """Runs a command in a running job of the caller's, for `seconds` at most, and waits for it.

        Raises NoSuchJob, NotYours, NotRunning, InvalidParameter, and what `Exchange.ask` raises; RequestRefused where the
        command cannot be started or its time is over.
        """
        ad, sandbox = self._running(number, caller)
        argv, limit = checked_command(command), self._time_limit(seconds)
        started = self._now()

        def remember(exit_code: int | None) -> None:
            submission = str(ad[attributes.Job.SUBMISSION])
            self._remember(Command(submission, number, caller.subject, argv, started, self._now(), exit_code))

        try:
            result = _result(self._ask(number, sandbox, {"kind": "exec", "command": list(argv)}, limit))
        except (RequestRefused, JobStopped, NotAnswered) as error:
            remember(None)  # it may have run
            if isinstance(error, RequestRefused) and error.code == "timeOver":
                raise RequestRefused(
                    error.code, f"The command had not ended after {limit:g} s, and was ended: give a longer timeout."
                ) from error
            raise
        remember(result.exit_code)
        return result

    def snapshot(self, number: int, caller: Caller, path: str) -> None:
        """Archives `path` of a running job of the caller's into object storage; raises as `run` does."""
        ad, sandbox = self._running(number, caller)
        if not path or len(path) > _LONGEST_PATH or "\0" in path:
            raise InvalidParameter(f"path: give a path of at most {_LONGEST_PATH} characters.", "path")
        link = self._store().snapshot_link(str(ad[attributes.Job.SUBMISSION]))
        answer = self._ask(number, sandbox, {"kind": "snapshot", "path": path, "url": link.url}, self._limits.snapshot)
        _refused(answer)

    def snapshot_url(self, number: int, caller: Caller) -> str:
        """Where the latest snapshot of the caller's job can be fetched; raises NoSuchJob, NotYours, NoSnapshot."""
        ad, _ = self._jobs.found(number, caller)
        url = self._store().snapshot_url(str(ad[attributes.Job.SUBMISSION]))
        if url is None:
            raise NoSnapshot(number)
        return url

    def _running(self, number: int, caller: Caller) -> tuple[Ad, Sandbox]:
        ad, sandbox = self._jobs.found(number, caller)
        if ad.get("JobStatus") not in _RUNNING:
            raise NotRunning(number, str(state(ad).status))
        return ad, sandbox

    def _ask(self, number: int, sandbox: Sandbox, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        if not self._places.acquire(blocking=False):
            raise ServiceBusy(self._limits.at_once)
        try:
            with self._watch.watched(number) as runs:
                return Exchange(sandbox.path, self._wait).ask(request, seconds, runs)
        except OSError as error:
            _log.warning("job %s cannot be asked: %s", number, error)
            raise StorageFailed from error
        finally:
            self._places.release()

    def _remember(self, command: Command) -> None:
        """Stores what was run. It cannot be taken back: where that fails, the log says that, without the words of it."""
        try:
            self._record.add(command)
        except DatabaseUnavailable as error:
            _log.error("a command of %s in job %s was not stored: %s", command.subject, command.job, error.detail)

    def _time_limit(self, seconds: float | None) -> float:
        longest = min(self._limits.longest_command, LONGEST)
        if seconds is None:
            return min(self._limits.command, longest)
        if not math.isfinite(seconds) or not 1 <= seconds <= longest:
            raise InvalidParameter(f"timeout: give seconds from 1 to {longest:g}.", "timeout")
        return seconds

    def _store(self) -> SnapshotStore:
        if self._snapshots is None:
            raise InvalidParameter("This server has no object storage: snapshots cannot be taken.")
        return self._snapshots


def checked_command(command: Sequence[str]) -> tuple[str, ...]:
    """The words of a command; raises InvalidParameter where they can be none."""
    fits = 1 <= len(command) <= _LONGEST_COMMAND and all(len(word) <= _LONGEST_WORD for word in command)
    if not fits or not command[0] or any("\0" in word for word in command):
        raise InvalidParameter("command: give the program and its arguments, separated by commas.", "command")
    return tuple(command)


def _refused(answer: Mapping[str, Any]) -> None:
    refusal = answer.get("refused")
    if isinstance(refusal, dict):
        code, message = str(refusal.get("code", "refused")), str(refusal.get("message", "The job refused it."))
        raise RequestRefused(code[:64], message[:_LONGEST_SENTENCE])


def _result(answer: Mapping[str, Any]) -> Result:
    """The result in an answer, which is a worker's word; raises RequestRefused also where it makes no sense."""
    _refused(answer)
    try:
        stdout, stderr = (base64.b64decode(answer[name], validate=True) for name in ("stdout", "stderr"))
        return Result(
            int(answer["exitCode"]), stdout, stderr, bool(answer.get("stdoutCut")), bool(answer.get("stderrCut"))
        )
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise RequestRefused("badAnswer", "The job's worker sent an answer that cannot be read: try again.") from error


def shown(commands: Sequence[Command]) -> list[dict[str, object]]:
    """What `exec` ran in a job, as a described job has it (`execution.commands`)."""
    return [
        {
            "command": list(command.argv),
            "user": command.subject,
            "startTime": command.started,
            "endTime": command.ended,
            "exitCode": command.exit_code,
        }
        for command in commands
    ]
