"""Requests to the executor of a running job, and its answers, as files in the job's folder.

The executor (worker/exchange.py) takes `exchange/<id>.request` by renaming it to `.taken`, once, and leaves `.answer`. The ids
are unguessable and the folder is this account's alone.

Races thought of:
- This process may die: what it left is swept by the next request, and the executor drops requests older than their limit.
- The executor may be killed, and the job start anew elsewhere: the run's name, in the file `run`, is then another one. What
  was taken before that is lost; what was not taken is for the new run.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.jobs import folder
from api.jobs.errors import JobStopped, NotAnswered, TooManyWaiting

FOLDER = "exchange"
RUN_FILE = "run"
MARGIN = 10.0
"""Seconds beyond its time limit for which a request is waited for: it is looked for once a second, then its end is told."""
LONGEST = 3600.0
"""Seconds of the longest time limit that a request may have."""
_OLDEST = 2 * LONGEST
_MOST = 16
"""Requests of one job that may wait."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
_STATE_INTERVAL = 2.0
_LARGEST_ANSWER = 4 * 2**20
_LARGEST_RUN = 64


@dataclass(frozen=True)
class Exchange:
    """The exchange of one job. `wait` sleeps for seconds, `clock` counts them."""

    sandbox: Path
    wait: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    new_name: Callable[[], str] = lambda: uuid.uuid4().hex

    def ask(self, request: Mapping[str, Any], seconds: float, runs: Callable[[], bool]) -> dict[str, Any]:
        """The executor's answer to `request`, which may take `seconds`; `runs()` tells whether the job is known to run.

        Raises JobStopped, NotAnswered, TooManyWaiting; OSError where the request cannot be written.
        """
        name = self.new_name()
        with folder.entered(self.sandbox / FOLDER) as requests:
            self._sweep(requests)
            try:
                folder.put(requests / f"{name}.request", json.dumps({**request, "timeout": seconds}).encode())
                return self._answer(requests, name, seconds, runs)
            finally:
                for kind in ("request", "taken", "answer", "answer.partial"):
                    folder.discard(requests / f"{name}.{kind}")

    def _answer(self, requests: Path, name: str, seconds: float, runs: Callable[[], bool]) -> dict[str, Any]:
        deadline = self.clock() + seconds + MARGIN
        run, looked, pause = self._run(), self.clock(), _FIRST_PAUSE
        while True:
            found = self._read(requests / f"{name}.answer")
            if found is not None:
                return found
            if self.clock() > deadline:
                raise NotAnswered
            if self.clock() - looked > _STATE_INTERVAL:
                looked = self.clock()
                taken = folder.signature(requests / f"{name}.request") is None
                # The answer may have come just before the end: it counts.
                if not runs() or (taken and self._run() != run):
                    return self._last(requests / f"{name}.answer")
                run = self._run()
            self.wait(pause)
            pause = min(pause * 1.3, _LONGEST_PAUSE)

    def _last(self, file: Path) -> dict[str, Any]:
        found = self._read(file)
        if found is None:
            raise JobStopped
        return found

    def _sweep(self, requests: Path) -> None:
        """Deletes what nobody waits for any more; raises TooManyWaiting where too much is waited for."""
        waiting = 0
        for entry in requests.iterdir():
            found = folder.signature(entry)
            if found is not None and self.now() - found[1] / 1e9 > _OLDEST:
                folder.discard(entry)
            elif entry.suffix == ".request":
                waiting += 1
        if waiting >= _MOST:
            raise TooManyWaiting(_MOST)

    def _run(self) -> bytes | None:
        return folder.read(self.sandbox / RUN_FILE, _LARGEST_RUN)

    @staticmethod
    def _read(file: Path) -> dict[str, Any] | None:
        data = folder.read(file, _LARGEST_ANSWER)
        if data is None:
            return None
        try:
            answer = json.loads(data)
        except ValueError:
            return {}
        return answer if isinstance(answer, dict) else {}
