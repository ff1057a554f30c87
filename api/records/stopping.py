"""When a program that runs on and on is to end: at TERM or INT, or with whoever watches over it."""

from __future__ import annotations

import os
import signal
import sys
import threading

_PIECE = 4096


def stopping(with_input: bool) -> threading.Event:
    """An event that is set at TERM and INT and, where `with_input`, when the standard input ends.

    The input is a pipe from the process that watches over this one: it ends with that process, even one that is killed.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if with_input:
        threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    return stop


def _wait_for_end(stop: threading.Event) -> None:
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, _PIECE):
        pass
    stop.set()
