"""What can go wrong with checkpoints."""

from __future__ import annotations

from worker.errors import WorkerError
from worker.exitcodes import ExitCode


class CheckpointError(WorkerError):
    """Base of what can be wrong with a checkpoint."""

    code = "checkpointFailed"
    exit_code = ExitCode.STAGING


class CheckpointNotRestoredError(CheckpointError):
    """There is a checkpoint, and it cannot be had. The job does not begin anew: it would put another in its place."""

    code = "checkpointNotRestored"

    def __init__(self, detail: str) -> None:
        super().__init__(f"The job's checkpoint could not be brought back: {detail.rstrip('.')}; submit the job again.")
        self.detail = detail


class CheckpointNotSavedError(CheckpointError):
    """A checkpoint was not saved; the one before it stays. The job goes on, and its report says this."""

    code = "checkpointNotSaved"

    def __init__(self, detail: str) -> None:
        super().__init__(f"The last checkpoint was not saved: {detail.rstrip('.')}.")
        self.detail = detail


class CheckpointChangingError(CheckpointNotSavedError):
    """A file of the checkpoint changed while it was read. Another try may find it at rest."""

    code = "checkpointChanging"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the file {name!r} changed each time while it was read; let the program write a new file and rename it"
        )
        self.name = name
