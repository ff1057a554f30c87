"""Being told to end (Ctrl-C, TERM, a terminal that is gone) at times when that can be borne.

HTCondor's bindings crash when an exception is raised while they wait, and a create call that breaks off leaves it open what
was made. So it is noted, and raised as KeyboardInterrupt between calls, each of which has a time-out.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SLICE = 0.1


@dataclass
class Ending:
    """Whether this process was told to end."""

    told: bool = False

    def check(self) -> None:
        """KeyboardInterrupt where it was."""
        if self.told:
            raise KeyboardInterrupt

    def pause(self, seconds: float) -> None:
        """Waits; KeyboardInterrupt soon after it is told to end."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.check()
            time.sleep(min(_SLICE, left))
        self.check()


@contextmanager
def noticed() -> Iterator[Ending]:
    """Notes when the process is told to end; told so twice, it ends at once. What is ignored stays so. For the main thread."""
    ending = Ending()

    def note(number: int, frame: FrameType | None) -> None:
        if ending.told:
            signal.default_int_handler(number, frame)
        ending.told = True

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
