"""The interface of every object store, and the values that it speaks of.

Keys are text: components joined by "/", as `names` makes them (at most 1,024 bytes of UTF-8, no empty component, no "." or
"..", no control characters). A store may rely on that.

Every call ends: it waits for a bounded time, tries a bounded number of times, and then raises StorageUnavailable, which tells
nothing about whether the object is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from api.objects.checksum import Checksum


@dataclass(frozen=True, slots=True)
class Link:
    """Where and how to upload one object: the bytes are sent to `url` with `method` and at least these `headers`."""

    url: str
    method: str = "PUT"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Object:
    """One object: `size` in bytes, `last_modified` in epoch seconds.

    `etag` is another text whenever the key holds other bytes, and otherwise means nothing.
    """

    key: str
    size: int
    last_modified: float
    etag: str


class Store(Protocol):
    """A place for objects. Safe to use from many threads and many processes at once.

    An upload is all or nothing: until it is complete and checked, the key holds what it held before. Of uploads of one key at
    the same time, the one that completes last is kept, whole.
    """

    def upload_link(
        self, key: str, *, checksum: Checksum | None, size: int | None, largest: int, lifetime: float, plain: bool
    ) -> Link:
        """A link that lets its holder write `key` until `lifetime` seconds from now (whole seconds, rounded up).

        With `size` (bytes), exactly as many must come, and never more than `largest` as far as the store can bind that; with
        `checksum`, these bytes and no others. `plain` says that the sender can send nothing but the bytes: then the link has
        no headers, and a store that can bind a checksum by headers alone leaves it unbound.
        """

    def download_link(self, key: str, *, lifetime: float, filename: str) -> str:
        """A URL that gives the object, as a file to be saved as `filename`, for `lifetime` seconds (at most 7 days).

        It is made whether or not the object is there (yet).
        """

    def listing(self, prefix: str) -> Iterator[Object]:
        """All objects below `prefix`, which ends in "/", in no promised order.

        What changes meanwhile may be missing or old.
        """

    def find(self, key: str) -> Object | None:
        """The object, or None where there is surely none."""

    def delete(self, key: str) -> None:
        """Sees to it that the object is gone; it is no error when it was."""
