"""What runs on the workers for jobs, told by the accounts of their slots."""

from __future__ import annotations

import time
from pathlib import Path

from deploy.instance import Instance
from tests.pool.workers import command, everything

SLOTS = range(2001, 2001 + 128)
"""The slots' accounts, as a worker's namespace numbers them."""


def of_slots(instance: Instance) -> dict[int, str]:
    """The processes on the workers that belong to an account of a slot, and what they run."""
    found = {}
    for pid in everything(instance):
        folder = Path(f"/proc/{pid}")
        try:
            line, owner = command(pid), _inner(folder)
        except OSError:
            continue
        if line and owner in SLOTS:
            found[pid] = line
    return found


def _inner(folder: Path) -> int:
    """The account of a process as its own namespace numbers it; the map there is told as this process sees it."""
    owner = int((folder / "status").read_text().partition("\nUid:")[2].split()[0])
    for line in (folder / "uid_map").read_text().splitlines():
        inside, outside, length = map(int, line.split())
        if outside <= owner < outside + length:
            return owner - outside + inside
    return -1


def nothing_is_left(instance: Instance) -> None:
    """Waits until no process of a slot is left on the workers, for 20 s at most."""
    deadline = time.monotonic() + 20
    while left := of_slots(instance):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
