"""A checksum that is computed beside a transfer: on a fast line it takes as long as the transfer itself."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Optional, Type


class Digest:
    """The SHA-256 of the pieces given so far; one piece is worked on while the caller moves the next. A context."""

    def __init__(self) -> None:
        self._helper = ThreadPoolExecutor(1)
        self._digest = hashlib.sha256()
        self._last: "Optional[Future[None]]" = None

    def update(self, data: bytes) -> None:
        """Take the next piece, once the one before is done: no more than two are in memory."""
        self._settle()
        self._last = self._helper.submit(self._digest.update, data)

    def restart(self) -> None:
        """Forget all pieces."""
        self._settle()
        self._digest = hashlib.sha256()

    def hexdigest(self) -> str:
        """The checksum, hexadecimal."""
        self._settle()
        return self._digest.hexdigest()

    def _settle(self) -> None:
        if self._last is not None:
            self._last.result()

    def __enter__(self) -> "Digest":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._helper.shutdown()
