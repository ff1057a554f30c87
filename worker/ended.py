"""How a process tree ended."""

from __future__ import annotations

from typing import NamedTuple


class Ended(NamedTuple):
    """How a process tree ended: exit code (128 + n for signal n), seconds of CPU, largest resident set of a process in KB,
    bytes that went to and came from a disk."""

    exit_code: int
    cpu_seconds: float
    max_rss_kb: int
    read_bytes: int = 0
    written_bytes: int = 0
