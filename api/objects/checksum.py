"""Checksums that uploaders announce: a hexadecimal digest whose length tells the algorithm."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Protocol

from api.objects.errors import InvalidChecksum

_ALGORITHMS = {64: "sha256", 40: "sha1", 32: "md5"}


class Digest(Protocol):
    """What is used of a running `hashlib` digest."""

    def update(self, data: bytes, /) -> None:
        """Takes more bytes."""

    def hexdigest(self) -> str:
        """The digest so far."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """The checksum of an object: `algorithm` is a name that `hashlib` knows, `digest` is in lower case."""

    algorithm: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Checksum:
        """From what a client sent; InvalidChecksum where it is no digest."""
        if len(text) not in _ALGORITHMS or not re.fullmatch(r"[0-9A-Fa-f]+", text):
            raise InvalidChecksum
        return cls(_ALGORITHMS[len(text)], text.lower())

    def running(self) -> Digest:
        """A digest to feed the bytes to. Its purpose is to notice damage; the link is what gives the right."""
        return hashlib.new(self.algorithm, usedforsecurity=False)

    def matches(self, digest: Digest) -> bool:
        """Whether the bytes that were fed to `digest` are the announced ones."""
        return hmac.compare_digest(digest.hexdigest(), self.digest)
