"""What becomes of what jobs leave behind, decided from facts alone. Pure.

Nothing goes because it is missing somewhere: a folder goes when the database holds its job as ended long ago. Of a folder that
no job ever belonged to there is nothing to find anywhere, so it is only a candidate, about which the queue, its history and the
database must be asked; and a folder in which the queue wrote its event log belonged to a job, whoever has forgotten that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

DAY = 24 * 3600.0
_SLACK = 60.0
"""Seconds by which the clocks that wrote a file and a job's end may differ."""


class Fate(Enum):
    """What is to be done with a folder."""

    KEEP = auto()
    DELETE = auto()
    ASK = auto()
    """Nobody's, it seems: delete it if the queue, its history and the database say that they do not know it."""


@dataclass(frozen=True)
class Ages:
    """After how many days things go; 0: never."""

    job_folder_days: float
    series_days: float
    abandoned_days: float


@dataclass(frozen=True)
class Folder:
    """What can be seen of a submission's folder; times are epoch seconds."""

    name: str
    written: float
    """When anything of it was last written."""
    filled: float | None
    """When the job's file was put there; None where it is not there."""
    queued: bool
    """Whether the queue began an event log there."""
    in_workflow: bool = False
    """Whether it is that of an instance of a workflow whose own folder is there."""


@dataclass(frozen=True)
class Recorded:
    """A job in the database: its ClusterId, and when it ended, epoch seconds."""

    id: int
    ended: float


def fate(folder: Folder, recorded: Recorded | None, ages: Ages, now: float) -> Fate:
    """What is to be done with a folder, of which the database says `recorded`, at `now` (epoch seconds)."""
    if folder.in_workflow:
        # It may not have been in the queue yet, or others may want what it left: the workflow's own folder goes first.
        return Fate.KEEP
    if recorded is not None:
        # Filled after the end: the same name was used again, and the record is not of the job that has the folder now.
        again = folder.filled is not None and folder.filled > recorded.ended + _SLACK
        return Fate.DELETE if not again and over(recorded.ended, ages.job_folder_days, now) else Fate.KEEP
    if folder.queued or not over(folder.written, ages.abandoned_days, now):
        return Fate.KEEP
    return Fate.ASK


def over(time: float, days: float, now: float) -> bool:
    """Whether `time` is more than `days` before `now`; never where `days` is 0."""
    return days > 0 and time < now - days * DAY
