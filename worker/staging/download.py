"""One artifact from its address into a file: as it was announced, or not at all.

A transfer that breaks is taken up where it ended, if the server can say that the file is still the same one: by a strong ETag,
else by its time of change. Otherwise it begins anew.
"""

from __future__ import annotations

import re
from email.message import Message
from pathlib import Path
from typing import IO, Dict, NamedTuple, Optional

from worker.images.reference import is_address
from worker.staging import wire
from worker.staging.digests import Digest
from worker.staging.documents import Artifact
from worker.staging.errors import (
    ArtifactError,
    ArtifactMismatchError,
    ArtifactNetworkError,
    ArtifactNotFoundError,
    ArtifactRefusedError,
    TransferError,
)
from worker.staging.room import Room, writing
from worker.staging.terms import CHUNK, Terms, retrying

_MISSING = (404, 410)
_UNSATISFIABLE = 416
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
_LENGTH = re.compile(r"[0-9]{1,18}")


class Content(NamedTuple):
    """What came: its bytes, and their SHA-256 in hexadecimal."""

    size: int
    sha256: str


def fetch(artifact: Artifact, file: Path, room: Room, terms: Terms) -> Content:
    """Download to ``file``, in place of what may be there. Raises ArtifactError.

    ``room`` bounds the size and is not changed.
    """
    if not is_address(artifact.url):
        raise ArtifactNetworkError(artifact.shown, "its address", "there can be no such address")
    with writing(artifact.shown), file.open("wb") as opened, Digest() as digest:
        fetching = _Fetching(artifact, opened, digest, room, terms)
        try:
            retrying(fetching.go_on, terms, lambda: fetching.size)
        except TransferError as error:
            raise ArtifactNetworkError(artifact.shown, error.where, error.detail) from error
        return Content(fetching.size, digest.hexdigest())


class _Fetching:
    """A download in progress; ``size`` bytes of it are in the file."""

    def __init__(self, artifact: Artifact, file: IO[bytes], digest: Digest, room: Room, terms: Terms) -> None:
        self.size = 0
        self._artifact = artifact
        self._file = file
        self._room = room
        self._terms = terms
        self._state = ""
        self._pieced = False
        self._digest = digest

    def go_on(self) -> None:
        """Fetch what is missing. Raises TransferError where another try may bring the rest, else ArtifactError."""
        asked: Dict[str, str] = {}
        if self.size and self._state:
            asked = {"Range": f"bytes={self.size}-", "If-Range": self._state}
        with wire.ask("GET", self._artifact.url, asked, self._terms.pace) as reply:
            total = self._begin(reply)
            while data := reply.read(CHUNK):
                self._terms.check()
                self._take(data)
                self._terms.moved(self.size, total)
        if total is not None and self.size != total:
            raise TransferError(reply.where, f"it sent {self.size} of {total} bytes")
        self._finish(reply.where)

    def _begin(self, reply: wire.Reply) -> Optional[int]:
        """Get ready for the body of an answer; the size of the whole file, if the server says it."""
        if reply.status == 206 and self.size:
            total = self._resumed(reply)
        elif reply.status == 200:
            self._restart(reply.headers)
            total = _number(reply.headers.get("Content-Length"))
        elif reply.status == _UNSATISFIABLE and self._state:
            raise self._anew(reply.where, "it has no more of the file")
        else:
            raise reply.passing() or self._refusal(reply)
        if total is not None:
            self._compare("size", self._artifact.size, total)
            self._room.check(self._artifact.shown, total)
        return total

    def _resumed(self, reply: wire.Reply) -> Optional[int]:
        match = _CONTENT_RANGE.fullmatch((reply.headers.get("Content-Range") or "").strip())
        if match is None or int(match.group(1)) != self.size:
            raise self._anew(reply.where, "it sent another part of the file than it was asked for")
        self._pieced = True
        return _number(match.group(2))

    def _restart(self, headers: Message) -> None:
        self._state = _state(headers)
        self._pieced = False
        self._digest.restart()
        if self.size:
            with writing(self._artifact.shown):
                self._file.seek(0)
                self._file.truncate()
            self.size = 0

    def _take(self, data: bytes) -> None:
        self._room.check(self._artifact.shown, self.size + len(data))
        with writing(self._artifact.shown):
            self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    def _finish(self, where: str) -> None:
        try:
            self._compare("size", self._artifact.size, self.size)
            if self._artifact.sha256:
                self._compare("SHA-256", self._artifact.sha256, self._digest.hexdigest())
        except ArtifactMismatchError:
            if self._pieced:
                raise self._anew(where, "the parts that it sent are not of one file") from None
            raise

    def _compare(self, what: str, expected: object, found: object) -> None:
        if expected is not None and expected != found:
            raise ArtifactMismatchError(self._artifact.shown, what, str(expected), str(found))

    def _anew(self, where: str, detail: str) -> TransferError:
        """The error after which the next try asks for the whole file."""
        self._state = ""
        return TransferError(where, detail)

    def _refusal(self, reply: wire.Reply) -> ArtifactError:
        if reply.status in _MISSING:
            return ArtifactNotFoundError(self._artifact.shown, reply.where)
        return ArtifactRefusedError(self._artifact.shown, reply.where, reply.status)


def _number(text: Optional[str]) -> Optional[int]:
    return int(text) if text is not None and _LENGTH.fullmatch(text) else None


def _state(headers: Message) -> str:
    """What a request can name the file's present state by; "" where the server gives nothing for it."""
    etag = headers.get("ETag") or ""
    return etag if etag.startswith('"') else (headers.get("Last-Modified") or "")
