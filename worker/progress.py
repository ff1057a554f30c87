"""What the job does at the moment, for those who look while it runs: a phase, of what, how far, since when.

The thread that runs the job says it here, which costs next to nothing; the one that copies output to the access point takes it
along now and then (worker/live.py). So it is a sample: what passes quickly is not seen.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Optional

STAGING_IN = "stagingIn"
RESTORING_CHECKPOINT = "restoringCheckpoint"
PULLING_IMAGE = "pullingImage"
RUNNING_TASK = "runningTask"
STAGING_OUT = "stagingOut"
SAVING_CHECKPOINT = "savingCheckpoint"
_LONGEST_ITEM = 512


class Moment(NamedTuple):
    """A phase since ``since`` (epoch seconds): its ``item`` is an image, artifact or output, "" for none, its ``task`` a place
    from 0. ``percent`` is None where it is not known."""

    phase: str
    since: float
    item: str = ""
    task: Optional[int] = None
    percent: Optional[int] = None

    def document(self) -> Dict[str, Any]:
        """The moment as the service reads it; what is not known is left out."""
        item = self.item[:_LONGEST_ITEM] or None
        known = {"item": item, "task": self.task, "percent": self.percent}
        given = {name: value for name, value in known.items() if value is not None}
        return {"phase": self.phase, "since": round(self.since, 3), **given}


class Progress:
    """The present moment. One thread writes, any may read."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._moment: Optional[Moment] = None

    def enter(self, phase: str, item: str = "", task: Optional[int] = None) -> None:
        """From here on the job is in this phase."""
        self._moment = Moment(phase, self._now(), item, task)

    def turn_to(self, item: str) -> None:
        """The same phase goes on with another item."""
        if self._moment is not None:
            self._moment = Moment(self._moment.phase, self._now(), item, self._moment.task)

    def moved(self, done: int, total: Optional[int]) -> None:
        """So many bytes of the item, of ``total`` where that is known, are at their place."""
        if self._moment is not None:
            percent = min(100, max(0, done) * 100 // total) if total else None
            if percent != self._moment.percent:
                self._moment = self._moment._replace(percent=percent)

    def document(self) -> Optional[Dict[str, Any]]:
        """The present moment as the service reads it, None before the first."""
        moment = self._moment
        return moment.document() if moment is not None else None
