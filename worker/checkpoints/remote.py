"""A job's checkpoint at the service: a link to the latest one, and a link to put the next one in its place."""

from __future__ import annotations

import json
from typing import IO, Any, Dict, Optional

from worker.checkpoints.errors import CheckpointNotRestoredError, CheckpointNotSavedError
from worker.images.reference import is_address
from worker.staging import upload, wire
from worker.staging.documents import Artifact
from worker.staging.errors import OutputError, OutputNetworkError, OutputNotStoredError, TransferError
from worker.staging.packing import Packed
from worker.staging.terms import Terms, retrying
from worker.staging.upload import Output, Service

ARCHIVE = "checkpoint.tgz"
_PATH = "/checkpoint"
_NONE = "noCheckpoint"
"""Code of the service's answer where there is no checkpoint."""
_LONGEST_ANSWER = 64 * 1024


def latest(service: Service, terms: Terms) -> Optional[Artifact]:
    """Where the job's latest checkpoint can be fetched; None where there is none. Raises CheckpointNotRestoredError."""
    try:
        return retrying(lambda: _latest(service, terms), terms)
    except TransferError as error:
        raise CheckpointNotRestoredError(f"{error.where}: {error.detail}") from error


def store(archive: IO[bytes], packed: Packed, service: Service, terms: Terms) -> None:
    """Put an archive in the place of the checkpoint before it, whole or not at all. Raises CheckpointNotSavedError."""
    output = Output("", ARCHIVE, archive, packed.size, packed.sha256)
    try:
        upload.store(output, service._replace(path=_PATH), terms)
    except OutputNotStoredError as error:
        raise CheckpointNotSavedError(f"the service refused it (status {error.status}): {error.said}") from error
    except OutputNetworkError as error:
        raise CheckpointNotSavedError(f"{error.where}: {error.detail}") from error
    except OutputError as error:
        raise CheckpointNotSavedError(error.message) from error


def _latest(service: Service, terms: Terms) -> Optional[Artifact]:
    headers = {"Authorization": f"Bearer {service.token}"}
    with wire.ask("GET", f"{service.url}{_PATH}", {}, terms.pace, private=headers) as reply:
        answer = _json(reply)
        if reply.status == 404 and answer.get("code") == _NONE:
            return None
        if reply.status != 200:
            said = answer.get("error") or "the service gave no reason"
            raise reply.passing() or CheckpointNotRestoredError(f"{reply.where} (status {reply.status}): {said}")
    url, size = answer.get("url"), answer.get("size")
    if not (isinstance(url, str) and is_address(url) and isinstance(size, int)):
        raise TransferError(reply.where, "its answer is no link")
    return Artifact(url, ARCHIVE, size=size)


def _json(reply: wire.Reply) -> Dict[str, Any]:
    data = b""
    while len(data) < _LONGEST_ANSWER and (more := reply.read(_LONGEST_ANSWER - len(data))):
        data += more
    try:
        decoded = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}
