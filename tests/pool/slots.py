"""What runs on the embedded worker for jobs, told by the accounts of its slots."""

from __future__ import annotations

import time
from pathlib import Path

from deploy.instance import Instance
from deploy.namespaces import Process
from worker.processes import descendants

SLOTS = range(2001, 2001 + 128)
"""The slots' accounts, as the worker's namespace numbers them."""


def of_slots(instance: Instance) -> dict[int, str]:
    """The processes on the worker that belong to an account of a slot, and what they run."""
    top = Process(instance.home.run / "worker1.pid").pid()
    assert top is not None
    found = {}
    for pid in descendants(top):
        folder = Path(f"/proc/{pid}")
        try:
            line, owner = (folder / "cmdline").read_bytes(), _inner(folder)
        except OSError:
            continue
        if line and owner in SLOTS:
            found[pid] = line.replace(b"\0", b" ").decode(errors="replace")
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
    """Waits until no process of a slot is left on the worker, for 20 s at most."""
    deadline = time.monotonic() + 20
    while left := of_slots(instance):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
