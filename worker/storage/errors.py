"""What can go wrong with mounted storage. Sentences name the server, and never a password or a token."""

from __future__ import annotations

from typing import Sequence

from worker.errors import WorkerError
from worker.exitcodes import ExitCode

_NAMED = 5


class StorageError(WorkerError):
    """Base of what can go wrong with mounted storage; ``where`` names its server."""

    code = "storageFailed"
    exit_code = ExitCode.STAGING

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where


class StorageUnreachableError(StorageError):
    """The server did not answer, or not well, also after retries."""

    code = "storageUnreachable"

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(
            where,
            f"The storage at {where} could not be reached from the worker: {detail}; "
            "check its address, or submit the job again later.",
        )
        self.detail = detail


class StorageCredentialsError(StorageError):
    """The server does not let the user in; ``field`` of the job's document has what it refused, ``status`` is its answer."""

    code = "storageCredentialsRefused"

    def __init__(self, where: str, field: str, status: int) -> None:
        super().__init__(
            where,
            f"The storage at {where} refused the credentials ({status}): correct {field} and submit the job again.",
        )
        self.field = field
        self.status = status


class StorageNotFoundError(StorageError):
    """There is nothing at the address."""

    code = "storageNotFound"

    def __init__(self, where: str) -> None:
        super().__init__(
            where, f"There is no directory at {where}: correct storage.webdav.url and submit the job again."
        )


class StorageProtocolError(StorageError):
    """What answers at the address does not speak WebDAV; ``found`` is what it said."""

    code = "storageNotWebdav"

    def __init__(self, where: str, found: str) -> None:
        super().__init__(
            where,
            f"What answers at {where} is no WebDAV directory ({found}): correct storage.webdav.url, then submit again.",
        )
        self.found = found


class StorageUnsupportedError(StorageError):
    """The worker lacks what mounting takes."""

    code = "storageUnsupported"

    def __init__(self, where: str, kind: str, detail: str) -> None:
        super().__init__(
            where,
            f"This worker cannot mount storage of type {kind}: {detail}; ask for another site in policies.placement, "
            "or tell the service's administrators.",
        )
        self.kind = kind
        self.detail = detail


class StorageMountError(StorageError):
    """The mount program ended before the storage was mounted, or took too long."""

    code = "storageMountFailed"

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(where, f"The storage at {where} could not be mounted: {detail}; check the job's storage.")
        self.detail = detail


class StorageLostError(StorageError):
    """The mount program ended while the job ran."""

    code = "storageLost"

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(
            where,
            f"The storage at {where} was lost while the job ran ({detail}): "
            "what the job wrote last may not be stored there; submit the job again.",
        )
        self.detail = detail


class StorageNotWrittenError(StorageError):
    """Files that the job wrote could not be stored at the server before the end of the job."""

    code = "storageNotWritten"

    def __init__(self, where: str, files: Sequence[str], detail: str) -> None:
        named = ", ".join(repr(name) for name in files[:_NAMED]) + (", ..." if len(files) > _NAMED else "")
        what = f"{len(files)} of the files that the job wrote ({named})" if files else "Files that the job wrote"
        super().__init__(
            where,
            f"{what} could not be stored at {where}: {detail}; see that the job may write there, then submit it again.",
        )
        self.files = tuple(files)
        self.detail = detail
