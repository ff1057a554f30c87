"""Who has claimed a row: a name that tells other processes of the same machine whether its bearer still lives.

A process is known by the boot of its machine, its process namespace, its number there and the time it was started at, so
that a number that was given again is not mistaken for it. Of other machines nothing can be said.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

_NAME = re.compile(r"([0-9a-f-]{36})/([0-9]+)/([0-9]+)/([0-9]+)/[0-9a-f]{32}")
_STARTED = 19
"""Place of the start time in /proc/PID/stat (proc(5)), counted from behind the name of the program."""


def new_claimant() -> str:
    """A name for one claim of this process; no other claim has the same."""
    return f"{_machine()}/{os.getpid()}/{_started(os.getpid())}/{secrets.token_hex(16)}"


def is_gone(claimant: str) -> bool:
    """Whether the process that made this name surely runs no more; False where that cannot be seen from here."""
    match = _NAME.fullmatch(claimant)
    if match is None or f"{match[1]}/{match[2]}" != _machine():
        return False
    return _started(int(match[3])) != int(match[4])


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"


def _started(pid: int) -> int | None:
    """When a process was started, in ticks since the boot; None where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[_STARTED])
