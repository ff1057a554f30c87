"""What happened to a job, as HTCondor's event log of the job tells it (submit command `log`).

The log is a file in the job's folder, which outlives the job. The caller opens it, and knows whom to trust with its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

import classad2
import htcondor2

from pool.attribute_updates import facts as facts_of
from pool.attribute_updates import updates


class Kind(IntEnum):
    """HTCondor's event numbers that mean something to the owner of a job."""

    SUBMITTED = 0
    EXECUTING = 1
    PROGRAM_FAILED = 2
    EVICTED = 4
    TERMINATED = 5
    SIZE = 6
    SHADOW_FAILED = 7
    REMOVED = 9
    HELD = 12
    RELEASED = 13
    DISCONNECTED = 22
    RECONNECTED = 23
    RECONNECT_FAILED = 24
    ATTRIBUTE = 33
    FILES_MOVED = 40


class Transfer(IntEnum):
    """The `Type` of an event FILES_MOVED."""

    INPUT_STARTED = 2
    INPUT_ENDED = 3
    OUTPUT_STARTED = 5
    OUTPUT_ENDED = 6


@dataclass(frozen=True)
class LogEvent:
    """One event: when (epoch seconds), what, and its attributes as HTCondor names them."""

    time: float
    kind: Kind
    facts: dict[str, Any]


MOST = 5000
"""Events that are read of one log: a job that is moved back and forth for weeks has no more."""
MOST_UPDATES = 20_000
"""Changes of attributes that are read beside them."""


def read(descriptor: int) -> Iterator[LogEvent]:
    """The events of an open log, the earliest first, as far as it can be understood; of a longer log the first ones."""
    log = htcondor2.JobEventLog(str(Path("/proc/self/fd") / str(descriptor)))
    changes, others, changed = updates(descriptor), 0, 0
    try:
        while others < MOST and changed < MOST_UPDATES:
            try:
                facts = dict(next(log.events(0)))
            except (StopIteration, htcondor2.HTCondorException):
                return
            if facts.get("EventTypeNumber") == Kind.ATTRIBUTE:
                changed += 1
                facts |= facts_of(next(changes, None))
            else:
                others += 1
            known = _event(facts)
            if known is not None:
                yield known
    finally:
        log.close()


def _event(facts: dict[str, Any]) -> LogEvent | None:
    try:
        kind = Kind(facts.get("EventTypeNumber", -1))
        when = _epoch(str(facts["EventTime"]))
    except (KeyError, ValueError):
        return None
    return LogEvent(
        when, kind, {name: value for name, value in facts.items() if not isinstance(value, classad2.ClassAd)}
    )


def _epoch(text: str) -> float:
    """Seconds since the epoch; a time without a zone is that of this machine."""
    when = datetime.fromisoformat(text.removesuffix("Z"))
    return (when.replace(tzinfo=UTC) if text.endswith("Z") else when).timestamp()
