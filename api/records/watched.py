"""`python -m api.records.watched`: keeps a recorder running, and has it swept up after jobs every hour, until TERM.

Failures thought of:
- The recorder ends, whatever of: it is started again, soon at first, then more and more slowly while it ends at once.
- A sweep hangs, in the history of a queue, say: it is killed after LONGEST_SWEEP, and the recorder never waits for it.
- This process is killed: its children's standard input ends with it, and so do they. It imports nothing that is large.
"""

from __future__ import annotations

import logging
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from api.records.stopping import stopping

FIRST_SWEEP = 60.0
"""Seconds until the first sweep."""
EVERY = 3600.0
"""Seconds between two sweeps."""
LONGEST_SWEEP = 6 * 3600.0
STEADY = 60.0
"""Seconds after which a child has not ended at once."""
LONGEST_PAUSE = 60.0
"""Seconds until a recorder that ends again and again is started anew, at most."""
_LOOK = 0.5
_PATIENCE = 8.0

_log = logging.getLogger("api.records.watched")


def back_off(ends: int) -> float:
    """Seconds until a recorder is started again that ended at once `ends` times in a row."""
    return min(LONGEST_PAUSE, 0.5 * 2.0 ** min(ends, 16))


@dataclass
class Child:
    """A process that is started when it is `due`, and again after each end.

    `pause` gives the seconds in between, from how often in a row it ended at once. After `limit` seconds it is killed. Times
    are those of a clock that never goes back.
    """

    command: Sequence[str]
    pause: Callable[[int], float]
    due: float = -math.inf
    limit: float = math.inf
    quick_ends: int = field(default=0, init=False)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)

    def look(self, now: float) -> None:
        """One step, never waiting: starts the process, notes its end, or ends it."""
        if self.process is None:
            if now >= self.due:
                self._start(now)
            return
        code, ran = self.process.poll(), now - self._began
        if code is not None:
            self._ended(code, ran, now)
        elif ran > self.limit:
            _log.warning("%s is killed: it has run for %.0f s", self.command[-1], ran)
            self.process.kill()

    def stop(self, patience: float) -> None:
        """Asks the process to end, and makes it after `patience` seconds."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _start(self, now: float) -> None:
        self._began = now
        try:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE)
        except OSError as error:
            # No memory or no process to be had: that passes.
            self._ended(str(error), 0, now)

    def _ended(self, how: int | str, ran: float, now: float) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None
        self.quick_ends = 0 if ran >= STEADY else self.quick_ends + 1
        pause = self.pause(self.quick_ends)
        self.due = now + pause
        level = logging.WARNING if how else logging.INFO
        _log.log(level, "%s ended with %s; again in %.1f s", self.command[-1], how, pause)


def watch(children: Sequence[Child], stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
    """Keeps the children going until `stop` is set; then ends them."""
    try:
        while not stop.is_set():
            for child in children:
                child.look(clock())
            stop.wait(_LOOK)
    finally:
        deadline = clock() + _PATIENCE
        for child in children:
            child.stop(max(0.1, deadline - clock()))


def main() -> int:
    """Runs until it is told to end; the settings are in the file that PROMINENCE_RECORDS names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    program = [sys.executable, "-m", "api.records", "--end-with-input"]
    recorder = Child([*program, "record"], back_off)
    sweeps = Child([*program, "sweep"], lambda _: EVERY, due=time.monotonic() + FIRST_SWEEP, limit=LONGEST_SWEEP)
    watch([recorder, sweeps], stopping(with_input=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
