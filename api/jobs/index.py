"""What never changes of a job, by its id: whose it is, what was asked for, and the name of its folder.

One small file a job, in a folder that no worker reaches. It is a short cut: the queue and the database know all of it, so a
file that is missing or torn is made anew from what they say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pool.attributes import Job

FACTS = (Job.USER, Job.ISSUER, Job.DOCUMENT, Job.SUBMISSION)
"""Attributes of a job's ad that are kept, all of them texts."""
_IN_A_FOLDER = 1000


@dataclass(frozen=True)
class Index:
    """The files below `folder`."""

    folder: Path

    @classmethod
    def below(cls, run: Path) -> Index:
        """The index of the service whose folder of small state is `run`."""
        return cls(run / "jobs")

    def note(self, number: int, ad: Mapping[str, Any]) -> None:
        """Remembers the FACTS of the job with this ad (or submit values); where that fails, the queue is asked later."""
        path, text = self._path(number), json.dumps({name: ad[name] for name in FACTS})
        with suppress(OSError):
            try:
                path.write_text(text)
            except FileNotFoundError:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.write_text(text)

    def facts(self, number: int) -> dict[str, Any] | None:
        """The FACTS of a job; None where they are not kept."""
        try:
            facts = json.loads(self._path(number).read_bytes())
        except (OSError, ValueError):
            return None
        whole = isinstance(facts, dict) and all(isinstance(facts.get(name), str) for name in FACTS)
        return facts if whole else None

    def forget(self, number: int, submission: str) -> None:
        """Deletes what is kept of the job with that id and submission; after a queue began anew the id may be another's."""
        facts = self.facts(number)
        if facts is None or facts[Job.SUBMISSION] != submission:
            return
        path = self._path(number)
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()

    def _path(self, number: int) -> Path:
        return self.folder / str(number // _IN_A_FOLDER) / str(number)
