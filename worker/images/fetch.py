"""A file of an image from a server to the disk: whole, or not at all.

A download that breaks off, stalls or comes too slowly is taken up where it ended, where the server can say that the file is
still the same one: by the digest in its name, a strong ETag, or its time of change. Otherwise it begins anew.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO, Callable, ContextManager, Dict, NamedTuple, Optional

from worker.images import web
from worker.images.errors import ImageError, ImageNetworkError, ImageRateLimitError
from worker.images.store import disk_errors
from worker.staging.digests import Digest
from worker.staging.errors import TransferError
from worker.staging.terms import CHUNK, Terms, retrying
from worker.staging.wire import Reply

_UNSATISFIABLE = 416
_RANGE = re.compile(r"bytes ([0-9]{1,18})-")
Open = Callable[[Dict[str, str]], ContextManager[Reply]]
"""Asks for the file with further headers; the answer, whatever its status."""
Progress = Callable[[int, Optional[int]], None]
"""Is told how many bytes have come, and of how many, where that is known."""


class Wanted(NamedTuple):
    """A file: the image it is of, its SHA-256 and size where its name tells them, whether a credential goes with it."""

    image: str
    sha256: str = ""
    size: Optional[int] = None
    credential_given: bool = False


def fetch(wanted: Wanted, ask: Open, file: Path, terms: Terms, progress: Progress) -> str:
    """Download to ``file``, in place of what may be there; the SHA-256 of what came, hexadecimal.

    Raises ImageError; none of them is worth another try.
    """
    with disk_errors(wanted.image), file.open("wb") as opened, Digest() as digest:
        fetching = _Fetching(wanted, ask, opened, digest, terms, progress)
        try:
            retrying(fetching.go_on, terms, lambda: fetching.size)
        except TransferError as error:
            raise fetching.verdict(error) from error
        return digest.hexdigest()


class _Fetching:
    """A download in progress; ``size`` bytes of it are in the file."""

    def __init__(
        self,
        wanted: Wanted,
        ask: Open,
        file: IO[bytes],
        digest: Digest,
        terms: Terms,
        progress: Progress,
    ) -> None:
        self.size = 0
        self._wanted = wanted
        self._ask = ask
        self._file = file
        self._digest = digest
        self._terms = terms
        self._progress = progress
        self._state = ""
        self._limited = False

    def go_on(self) -> None:
        """Fetch what is missing. Raises TransferError where another try may bring the rest, else ImageError."""
        with self._ask(self._rest()) as reply:
            total = self._begin(reply)
            while data := reply.read(CHUNK):
                self._terms.check()
                self._take(data)
                self._progress(self.size, total)
                if total is not None and self.size > total:
                    raise self._anew(reply.where, f"it sent more than {total} bytes")
        if total is not None and self.size != total:
            raise TransferError(reply.where, f"it sent {self.size} of {total} bytes")
        if self._wanted.sha256 and self._digest.hexdigest() != self._wanted.sha256:
            raise self._anew(reply.where, "what it sent is not what its digest says")

    def verdict(self, error: TransferError) -> ImageError:
        """What to say after the last try."""
        image = self._wanted.image
        if self._limited:
            verdict: ImageError = ImageRateLimitError(image, error.where, error.retry_after)
        else:
            verdict = ImageNetworkError(image, error.where, error.detail)
        verdict.transient = False
        return verdict

    def _rest(self) -> Dict[str, str]:
        if self.size and self._wanted.sha256:
            return {"Range": f"bytes={self.size}-"}
        if self.size and self._state:
            return {"Range": f"bytes={self.size}-", "If-Range": self._state}
        return {}

    def _begin(self, reply: Reply) -> Optional[int]:
        """Get ready for the body of an answer; the size of the whole file, if it is known."""
        self._limited = False
        if reply.status == 206 and self.size:
            match = _RANGE.match((reply.headers.get("Content-Range") or "").strip())
            if match is None or int(match.group(1)) != self.size:
                raise self._anew(reply.where, "it sent another part of the file than it was asked for")
        elif reply.status == 200:
            self._restart()
            etag = reply.headers.get("ETag") or ""
            self._state = etag if etag.startswith('"') else (reply.headers.get("Last-Modified") or "")
        elif reply.status == _UNSATISFIABLE and self.size:
            raise self._anew(reply.where, "it has no more of the file")
        else:
            raise self._refusal(reply)
        length = reply.headers.get("Content-Length") or ""
        announced = self.size + int(length) if length.isdigit() and len(length) < 19 else None
        return self._wanted.size if self._wanted.size is not None else announced

    def _refusal(self, reply: Reply) -> Exception:
        passing = reply.passing()
        self._limited = web.limits(reply)
        if self._limited:
            return TransferError(reply.where, "it limits how often it is asked", reply.retry_after())
        return passing or web.refusal(self._wanted.image, reply, reply.where, self._wanted.credential_given)

    def _take(self, data: bytes) -> None:
        with disk_errors(self._wanted.image):
            self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    def _restart(self) -> None:
        self._digest.restart()
        if self.size:
            with disk_errors(self._wanted.image):
                self._file.seek(0)
                self._file.truncate()
            self.size = 0

    def _anew(self, where: str, detail: str) -> TransferError:
        """The error after which the next try begins with nothing."""
        self._state = ""
        self._restart()
        return TransferError(where, detail)
