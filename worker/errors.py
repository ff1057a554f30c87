"""Everything that can go wrong before or around a task, each with a code for programs and a sentence for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from worker.exitcodes import ExitCode

if TYPE_CHECKING:
    from worker.ended import Ended

_KB_PER_GB = 2**20


class WorkerError(Exception):
    """Base of the executor's errors; ``message`` is what the owner of the job will read."""

    code = "internalError"
    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class JobFileError(WorkerError):
    """``job.json`` or the token is missing or cannot be understood."""

    code = "jobFileInvalid"
    exit_code = ExitCode.STAGING

    def __init__(self, filename: str, detail: str) -> None:
        super().__init__(
            f"The job's own file {filename} could not be read ({detail}); "
            "submit the job again, and tell the service's administrators if this repeats."
        )
        self.filename = filename
        self.detail = detail


class StagingError(WorkerError):
    """A file that the job names could not be created below its home directory."""

    code = "stagingFailed"
    exit_code = ExitCode.STAGING

    def __init__(self, filename: str, detail: str) -> None:
        super().__init__(f"The file {filename!r} could not be written: {detail}.")
        self.filename = filename
        self.detail = detail


class RuntimeUnavailableError(WorkerError):
    """The container runtime is missing or may not run on this worker."""

    code = "runtimeUnavailable"
    exit_code = ExitCode.RUNTIME

    def __init__(self, detail: str) -> None:
        super().__init__(f"The container runtime could not start on this worker: {detail}; submit the job again.")
        self.detail = detail


class TaskUnsupportedError(WorkerError):
    """A task asks for something that this executor does not do."""

    code = "taskUnsupported"
    exit_code = ExitCode.RUNTIME

    def __init__(self, field: str, value: str, supported: str) -> None:
        super().__init__(f"This worker cannot run a task with {field} {value!r}; use {supported!r} or leave it out.")
        self.field = field
        self.value = value


class DiskFullError(WorkerError):
    """The disk on which the job's files are has no space left."""

    code = "diskFull"
    exit_code = ExitCode.STAGING

    def __init__(self) -> None:
        super().__init__("There is no space left on the job's disk; ask for more in resources.disk.")


class DeletedError(WorkerError):
    """The job was deleted while it waited for its turn in a workflow."""

    code = "deleted"
    exit_code = ExitCode.DELETED

    def __init__(self) -> None:
        super().__init__("Its user deleted it before it began.")


class MemoryExceededError(WorkerError):
    """The job's containers used more memory than they may, and were ended; ``ended`` is the task that ran, if one did."""

    code = "memoryExceeded"
    exit_code = ExitCode.MEMORY

    def __init__(self, used_kb: int, limit_kb: int, ended: Optional[Ended]) -> None:
        used, limit = used_kb / _KB_PER_GB, limit_kb / _KB_PER_GB
        super().__init__(
            f"It used more memory than it asked for ({used:.3g} of {limit:.3g} GB); ask for more in resources.memory."
        )
        self.used_kb = used_kb
        self.limit_kb = limit_kb
        self.ended = ended
