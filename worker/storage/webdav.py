"""Whether a WebDAV server can be used: one PROPFIND for the directory to be mounted, before anything is mounted.

The mount program itself would come up with any address and password, and fail each task's first look into the directory.
"""

from __future__ import annotations

import base64
from typing import Dict, Optional

from worker.errors import WorkerError
from worker.staging import wire
from worker.staging.errors import TransferError
from worker.staging.terms import Terms, retrying
from worker.storage.documents import Storage
from worker.storage.errors import (
    StorageCredentialsError,
    StorageNotFoundError,
    StorageProtocolError,
    StorageUnreachableError,
)

_MULTI_STATUS = 207
_NOT_IMPLEMENTED = 501
_REFUSED = (401, 403)
_ABSENT = (404, 410)


def check(storage: Storage, terms: Terms) -> None:
    """Ask the server for the directory.

    Raises StorageUnreachableError, StorageCredentialsError, StorageNotFoundError, StorageProtocolError.
    """
    try:
        retrying(lambda: _ask(storage, terms), terms)
    except TransferError as error:
        raise StorageUnreachableError(storage.shown, error.detail) from error


def _ask(storage: Storage, terms: Terms) -> None:
    with wire.ask("PROPFIND", storage.server, {"Depth": "0", **_authorization(storage)}, terms.pace) as reply:
        if reply.status == _MULTI_STATUS:
            return
        passing = None if reply.status == _NOT_IMPLEMENTED else reply.passing()
        raise passing or _refusal(storage, reply.status, reply.headers.get("Location"))


def _authorization(storage: Storage) -> Dict[str, str]:
    pair = base64.b64encode(f"{storage.username}:{storage.secret}".encode()).decode("ascii")
    return {"Authorization": f"Basic {pair}"}


def _refusal(storage: Storage, status: int, location: Optional[str]) -> WorkerError:
    if status in _REFUSED:
        return StorageCredentialsError(storage.shown, f"storage.{storage.kind}", status)
    if status in _ABSENT:
        return StorageNotFoundError(storage.shown)
    elsewhere = f" and points to {wire.host(location)}" if location and "//" in location else ""
    return StorageProtocolError(storage.shown, f"it answers {status}{elsewhere}")
