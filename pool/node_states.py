"""What DAGMan's log of states (JOBSTATE_LOG, `TIME NODE EVENT …`) tells of each node, read piece by piece as the log grows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from enum import IntEnum

_PIECE = 2**20
"""Bytes that are read at a time. A line is far shorter."""
_LINE = re.compile(rb"^[0-9]+ ([0-9a-f]{32}) ([A-Z_]+) ", re.MULTILINE)


class NodeState(IntEnum):
    """How a node stands. A node that the log does not name is WAITING."""

    WAITING = 0
    QUEUED = 1
    RUNNING = 2
    DONE = 3
    FAILED = 4


_AFTER = {
    b"SUBMIT": NodeState.QUEUED,
    b"EXECUTE": NodeState.RUNNING,
    b"JOB_EVICTED": NodeState.QUEUED,
    b"SHADOW_EXCEPTION": NodeState.QUEUED,
    b"JOB_RECONNECT_FAILED": NodeState.QUEUED,
    b"JOB_HELD": NodeState.QUEUED,
    b"JOB_RELEASED": NodeState.QUEUED,
    b"JOB_SUCCESS": NodeState.DONE,
    b"JOB_FAILURE": NodeState.FAILED,
    b"JOB_ABORTED": NodeState.FAILED,
    b"SUBMIT_FAILURE": NodeState.FAILED,
}
"""What a node is after an event; all other events leave it as it was."""

Changes = list[tuple[bytes, NodeState]]
"""Names of nodes (32 hexadecimal digits) and what each became, in the order of the log."""


def changes(descriptor: int, offset: int) -> Iterator[tuple[int, Changes]]:
    """What the open log says from byte `offset` on, in pieces: where each piece ends, and what it says.

    A line that is not whole yet is left for the next time. Nodes that only join others are left out.
    """
    while True:
        data = os.pread(descriptor, _PIECE, offset)
        end = data.rfind(b"\n") + 1
        if not end:
            return
        offset += end
        found = ((name, _AFTER.get(event)) for name, event in _LINE.findall(data, 0, end))
        yield offset, [(name, state) for name, state in found if state is not None]
