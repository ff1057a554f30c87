"""What a server's answers and silences mean to who wants an image, and how long it is waited for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

from worker.images.errors import (
    ImageCredentialsError,
    ImageError,
    ImageNetworkError,
    ImageNotFoundError,
    ImageRateLimitError,
)
from worker.staging.errors import TransferError
from worker.staging.terms import Pace
from worker.staging.wire import LONGEST_SENTENCE, Reply

QUESTION = Pace(silence=15.0, window=15.0, least=1)
"""For what is small, where there may be another registry to ask."""
TRANSFER = Pace(silence=30.0, window=30.0, least=30_000)
TRIES = 4
"""Tries in a row to go on with a download that bring nothing."""
_MISSING = (404, 410)
_REFUSED = (401, 403)


@contextmanager
def network_errors(image: str) -> Iterator[None]:
    """Turn TransferError into ImageNetworkError."""
    try:
        yield
    except TransferError as error:
        raise ImageNetworkError(image, error.where, error.detail) from error


def limits(reply: Reply) -> bool:
    """Whether an answer, not yet read, says that there were too many requests; some registries say it in words alone."""
    return reply.status == 429 or (reply.status >= 400 and b"toomanyrequests" in reply.read(LONGEST_SENTENCE).lower())


def refusal(image: str, reply: Reply, where: str, credential_given: bool) -> ImageError:
    """The error that a status other than success stands for."""
    if limits(reply):
        return ImageRateLimitError(image, where, reply.retry_after())
    if reply.status in _MISSING:
        return ImageNotFoundError(image, where)
    if reply.status in _REFUSED:
        return ImageCredentialsError(image, where, credential_given)
    return ImageNetworkError(image, where, f"it answered {reply.status} {reply.reason}")


def body(reply: Reply, largest: int) -> bytes:
    """The whole of an answer, or its first ``largest`` bytes. Raises TransferError."""
    pieces, size = [], 0
    while size < largest and (piece := reply.read(largest - size)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)
