"""Which of the job's runs this is: a job runs again where its user allows retries, and where a worker was lost or failed it."""

from __future__ import annotations

import re
from typing import Dict, NamedTuple

from worker import ads

_WORKERS_FAILURES = re.compile(r"\bJobPolicy\s*=\s*(\d+)")


class Runs(NamedTuple):
    """``number`` of this run, from 1; of the runs before it, those that the user's ``retries`` were spent on, and
    ``interruptions``: the worker was taken away or failed."""

    number: int = 1
    retries: int = 0
    interruptions: int = 0

    def document(self) -> Dict[str, int]:
        """The runs as they stand in the report."""
        return self._asdict()


def of(ad: ads.Ad) -> Runs:
    """The runs that a job's ad tells of, as HTCondor leaves it beside the job when a run begins."""
    before = max(0, int(ads.number(ad, "NumJobStarts")))
    failures = _WORKERS_FAILURES.search(ads.string(ad, "NumHoldsByReason"))
    ended = int(ads.number(ad, "NumJobCompletions")) - (int(failures.group(1)) if failures else 0)
    retries = min(before, max(0, ended))
    return Runs(before + 1, retries, before - retries)
