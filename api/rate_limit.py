"""How many requests a user may make: the same count for all processes of a host, kept in one small mapped file.

The rule is the generic cell rate algorithm (ITU-T I.371): `per_minute` on average, `burst` at once. What is kept of a user is
one time, in a table that is found by a digest of the user's name; an entry whose time has passed is free again, so the
table never grows. A table full of busy users lets a further one through: it is there against floods by one.

Races thought of: processes meet at a lock on the file, which the kernel frees when a process dies; threads of one process
meet at a lock of their own. A file of another shape, or torn by a full disk, is made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

_SLOTS = 4096
_PROBES = 16
_ENTRY = struct.Struct("<8sd")


class RateLimit:
    """Counts requests in `file` (made where it is not there). `clock` gives epoch seconds, the same in all processes."""

    def __init__(self, file: Path, per_minute: int, burst: int, clock: Callable[[], float] = time.time) -> None:
        self._interval = 60 / per_minute
        self._tolerance = self._interval * (burst - 1)
        # No entry lies further ahead than this, unless the clock was set back or no one of us wrote it.
        self._horizon = self._tolerance + 2 * self._interval
        self._clock = clock
        self._lock = threading.Lock()
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._descriptor, _SLOTS * _ENTRY.size)
        self._table = mmap.mmap(self._descriptor, _SLOTS * _ENTRY.size)

    def wait(self, user: str) -> float:
        """Seconds until `user` may make this request: 0 where it may be made now, which counts it."""
        digest = hashlib.sha256(user.encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
            try:
                return self._count(digest)
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def _count(self, digest: bytes) -> float:
        now = self._clock()
        place = self._place(digest, now)
        if place is None:
            return 0.0
        name, written = _ENTRY.unpack_from(self._table, place * _ENTRY.size)
        due = written if name == digest[:8] and self._is_busy(written, now) else now
        if due - now > self._tolerance:
            return due - now - self._tolerance
        _ENTRY.pack_into(self._table, place * _ENTRY.size, digest[:8], due + self._interval)
        return 0.0

    def _place(self, digest: bytes, now: float) -> int | None:
        """Where the user's time stands, else a free place nearby; None where all are taken."""
        first = int.from_bytes(digest[8:12], "little")
        free = None
        for probe in range(_PROBES):
            place = (first + probe) % _SLOTS
            name, due = _ENTRY.unpack_from(self._table, place * _ENTRY.size)
            if name == digest[:8]:
                return place
            if free is None and not self._is_busy(due, now):
                free = place
        return free

    def _is_busy(self, due: float, now: float) -> bool:
        return now <= due <= now + self._horizon
