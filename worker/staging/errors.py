"""What can go wrong with artifacts and outputs.

Sentences never hold a query, a password or a token: signed links are secrets.
"""

from __future__ import annotations

from typing import Optional, Sequence

from worker.errors import WorkerError
from worker.exitcodes import ExitCode

_NAMED = 5


class TransferError(WorkerError):
    """One try to fetch or store something failed for a reason that may pass.

    ``retry_after`` are the seconds that the other end asked for. After the last try it becomes an ArtifactNetworkError or an
    OutputNetworkError.
    """

    code = "transferFailed"
    exit_code = ExitCode.STAGING

    def __init__(self, where: str, detail: str, retry_after: Optional[float] = None) -> None:
        super().__init__(f"{where}: {detail}; submit the job again later.")
        self.where = where
        self.detail = detail
        self.retry_after = retry_after


class ArtifactError(WorkerError):
    """Base of what can be wrong with an artifact; ``artifact`` is its name, or its address without what is secret."""

    code = "artifactFailed"
    exit_code = ExitCode.STAGING

    def __init__(self, artifact: str, message: str) -> None:
        super().__init__(message)
        self.artifact = artifact


class ArtifactNotFoundError(ArtifactError):
    """There is nothing at the artifact's address."""

    code = "artifactNotFound"

    def __init__(self, artifact: str, where: str) -> None:
        super().__init__(artifact, f"There is no artifact {artifact!r} at {where}; check its address.")
        self.where = where


class ArtifactRefusedError(ArtifactError):
    """The server does not give the artifact out; ``status`` is its answer."""

    code = "artifactRefused"

    def __init__(self, artifact: str, where: str, status: int) -> None:
        super().__init__(
            artifact,
            f"{where} refused to give out the artifact {artifact!r} (status {status}); "
            "check that its address can be fetched without a login and has not expired.",
        )
        self.where = where
        self.status = status


class ArtifactNotGivenError(ArtifactError):
    """The service does not say where the artifact is; ``status`` is its answer, ``said`` its sentence."""

    code = "artifactNotGiven"

    def __init__(self, artifact: str, status: int, said: str) -> None:
        super().__init__(artifact, f"The artifact {artifact!r} cannot be had (status {status}): {said.rstrip('.')}.")
        self.status = status
        self.said = said


class ArtifactNetworkError(ArtifactError):
    """The artifact could not be fetched because of the network or of the server at its other end."""

    code = "artifactNetworkError"

    def __init__(self, artifact: str, where: str, detail: str) -> None:
        super().__init__(
            artifact, f"The artifact {artifact!r} could not be fetched from {where}: {detail}; try again later."
        )
        self.where = where
        self.detail = detail


class ArtifactMismatchError(ArtifactError):
    """What was fetched is not what was announced; ``what`` is its "size" (in bytes) or its "SHA-256"."""

    code = "artifactMismatch"

    def __init__(self, artifact: str, what: str, expected: str, found: str) -> None:
        super().__init__(
            artifact,
            f"The artifact {artifact!r} has the {what} {found} where {expected} was announced; "
            f"correct the announced {what}, or upload the artifact again.",
        )
        self.what = what
        self.expected = expected
        self.found = found


class ArtifactTooLargeError(ArtifactError):
    """The artifacts of the job have more bytes or entries than it may use."""

    code = "artifactTooLarge"

    def __init__(self, artifact: str, detail: str) -> None:
        super().__init__(artifact, f"The artifact {artifact!r} is too large: {detail}.")
        self.detail = detail


class ArtifactDiskFullError(ArtifactError):
    """No space left on the worker to fetch or unpack the artifact."""

    code = "artifactDiskFull"

    def __init__(self, artifact: str) -> None:
        super().__init__(
            artifact, f"The worker's disk is too full for the artifact {artifact!r}; ask for more in resources.disk."
        )


class ArtifactUnsafeError(ArtifactError):
    """An entry of an archive that is not unpacked: it leads out of the job's home, or is no file, directory or link."""

    code = "artifactUnsafe"

    def __init__(self, artifact: str, entry: str, detail: str) -> None:
        super().__init__(
            artifact,
            f"The artifact {artifact!r} was not unpacked: {entry!r} in it {detail}; make the archive without it.",
        )
        self.entry = entry
        self.detail = detail


class ArtifactCorruptError(ArtifactError):
    """The artifact is damaged, is no archive of the kind that its name says, or cannot be written as it is."""

    code = "artifactCorrupt"

    def __init__(self, artifact: str, detail: str) -> None:
        super().__init__(
            artifact,
            f"The artifact {artifact!r} could not be unpacked: {detail}; make it again, or give it another name.",
        )
        self.detail = detail


class ArtifactMountError(ArtifactError):
    """What is to be mounted in the container is not there."""

    code = "artifactMountMissing"

    def __init__(self, artifact: str, source: str, target: str) -> None:
        super().__init__(
            artifact,
            f"There is no file or directory {source!r} in the job's home to mount at {target!r}; "
            f"check the mountpoint of the artifact {artifact!r}.",
        )
        self.source = source
        self.target = target


class OutputError(WorkerError):
    """Base of what can be wrong with an output; ``output`` is its name as the job gave it."""

    code = "outputFailed"
    exit_code = ExitCode.STAGING

    def __init__(self, output: str, message: str) -> None:
        super().__init__(message)
        self.output = output


class OutputMissingError(OutputError):
    """The job did not make ``outputs``; they are named up to a number."""

    code = "outputMissing"

    def __init__(self, outputs: Sequence[str]) -> None:
        named = ", ".join(repr(name) for name in outputs[:_NAMED])
        if len(outputs) > _NAMED:
            named += f" and {len(outputs) - _NAMED} more"
        super().__init__(
            outputs[0], f"The job did not make the output {named}; check outputFiles, outputDirs and the tasks."
        )
        self.outputs = tuple(outputs)


class OutputRefusedError(OutputError):
    """An output that the executor does not read: outside of the job's home, of another kind, unreadable, too many."""

    code = "outputRefused"

    def __init__(self, output: str, detail: str) -> None:
        super().__init__(output, f"The output {output!r} was not stored: {detail}.")
        self.detail = detail


class OutputNotStoredError(OutputError):
    """The service or its store refuses the output; ``said`` is its sentence."""

    code = "outputNotStored"

    def __init__(self, output: str, status: int, said: str) -> None:
        super().__init__(output, f"The output {output!r} was not accepted (status {status}): {said.rstrip('.')}.")
        self.status = status
        self.said = said


class OutputNetworkError(OutputError):
    """The output could not be stored because of the network or of the service at its other end."""

    code = "outputNetworkError"

    def __init__(self, output: str, where: str, detail: str) -> None:
        super().__init__(
            output, f"The output {output!r} could not be stored at {where}: {detail}; submit the job again later."
        )
        self.where = where
        self.detail = detail


class OutputDiskFullError(OutputError):
    """No space left on the worker for the archive of an output directory."""

    code = "outputDiskFull"

    def __init__(self, output: str) -> None:
        super().__init__(
            output, f"The worker's disk is too full to archive the output {output!r}; ask for more in resources.disk."
        )
