"""Asks the service where the files of an artifact are: of one that was uploaded, or that other jobs of the workflow left.

Links are asked for when they are needed, those of many files a part at a time: a link ages while it waits.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any, Iterator, List, Mapping, NamedTuple, Optional

from worker.staging import upload, wire
from worker.staging.documents import Artifact
from worker.staging.errors import ArtifactNetworkError, ArtifactNotGivenError, TransferError
from worker.staging.terms import Terms, retrying
from worker.staging.upload import Service

_LONGEST_ANSWER = 32 * 2**20


class _Part(NamedTuple):
    """Some files of an artifact; ``then`` is where the next part begins, None where there is none."""

    files: List[Artifact]
    then: Optional[int]


def located(artifact: Artifact, service: Service, terms: Terms) -> Iterator[Artifact]:
    """The artifact itself where it has an address, else each of its files with one. Raises ArtifactError."""
    if artifact.is_address:
        yield artifact
        return
    first: Optional[int] = 0
    while first is not None:
        part = _part(artifact, first, service, terms)
        yield from part.files
        first = part.then


def _part(artifact: Artifact, first: int, service: Service, terms: Terms) -> _Part:
    try:
        return retrying(lambda: _ask(artifact, first, service, terms), terms)
    except TransferError as error:
        raise ArtifactNetworkError(artifact.shown, error.where, error.detail) from error


def _ask(artifact: Artifact, first: int, service: Service, terms: Terms) -> _Part:
    body = json.dumps({"url": artifact.url, "first": first}).encode()
    headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"}
    sent = wire.Body(len(body), iter([body]))
    with wire.ask("POST", f"{service.url}/data/artifact", headers, terms.pace, sent) as reply:
        if reply.status != 200:
            said = upload.sentence(upload.text(reply))
            raise reply.passing() or ArtifactNotGivenError(artifact.shown, reply.status, said)
        answer = upload.decoded(upload.text(reply, _LONGEST_ANSWER))
    try:
        return _read(artifact, first, answer)
    except (KeyError, TypeError, ValueError) as error:
        raise TransferError(reply.where, "its answer is no list of files") from error


def _read(artifact: Artifact, first: int, answer: Mapping[str, Any]) -> _Part:
    """The part in a decoded answer. Raises KeyError, TypeError or ValueError where it is none."""
    then = answer.get("next")
    if then is not None and int(then) <= first:
        raise ValueError(then)
    return _Part([_file(artifact, item) for item in answer["files"]], then)


def _file(artifact: Artifact, item: Mapping[str, Any]) -> Artifact:
    path, url, size = str(item["name"]), item["url"], item.get("size")
    parts = path.split("/")
    if not upload.is_link(url) or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(path)
    # One of several is called by where it is put, which begins with the job that made it.
    name = artifact.name if len(parts) == 1 else path
    return artifact._replace(url=url, name=name, path=PurePosixPath(path), size=None if size is None else int(size))
