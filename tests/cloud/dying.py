"""The provisioner with an executioner: it is killed, as by kill -9, or stopped, before a line of what it does for a server.

    python -m tests.cloud.dying STATE LINE [SIGNAL]

LINE is a number: counted are the lines that are reached for the first time, in any thread, in the modules below, from the
moment on in which a record enters STATE (`intended`: a create begins; `deleting`: a delete), once SIGUSR1 has armed it. Or it
is the text of the line. REACHED in the environment names a file that says how many these were, and which was the last one.
"""

from __future__ import annotations

import linecache
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import cloud_provisioner.daemon.acting
import cloud_provisioner.daemon.cycle
import cloud_provisioner.daemon.homes
import cloud_provisioner.daemon.orders
import cloud_provisioner.daemon.place
import cloud_provisioner.daemon.register
import cloud_provisioner.drivers.openstack.calls
import cloud_provisioner.drivers.openstack.cloud
import cloud_provisioner.store.store
from cloud_provisioner.cli import main
from cloud_provisioner.servers.states import State

_MODULES = (
    cloud_provisioner.daemon.acting,
    cloud_provisioner.daemon.cycle,
    cloud_provisioner.daemon.homes,
    cloud_provisioner.daemon.orders,
    cloud_provisioner.daemon.place,
    cloud_provisioner.daemon.register,
    cloud_provisioner.drivers.openstack.calls,
    cloud_provisioner.drivers.openstack.cloud,
    cloud_provisioner.store.store,
)
_TRACED = {str(module.__file__) for module in _MODULES}
_REGISTER = str(cloud_provisioner.daemon.register.__file__)
_Tracer = Callable[[FrameType, str, Any], Any]


class Executioner:
    """Counts lines, and sends the process a signal."""

    def __init__(self, state: State, line: str, number: signal.Signals, reached: Path) -> None:
        self._state, self._line, self._signal, self._file = state, line, number, reached
        self._lines: set[tuple[str, int]] = set()
        self._armed = self._counting = False

    def arm(self, *_: object) -> None:
        """From now on it waits for the record."""
        self._armed = True

    def trace(self, frame: FrameType, event: str, _: Any) -> _Tracer | None:
        """A trace function."""
        code = frame.f_code
        if code.co_filename not in _TRACED:
            return None
        if not self._counting and self._armed and code.co_filename == _REGISTER and code.co_name == "_set":
            self._counting = frame.f_locals["intent"].state is self._state
        if self._counting and event == "line":
            self._reach(code.co_filename, frame.f_lineno)
        return self.trace

    def _reach(self, file: str, line: int) -> None:
        if (file, line) in self._lines:
            return
        self._lines.add((file, line))
        number = len(self._lines)
        self._file.write_text(f"{number} {Path(file).name}:{line}")
        if self._line in (str(number), linecache.getline(file, line).strip()):
            # To this thread: it gets no further, whichever the others are at.
            signal.pthread_kill(threading.get_ident(), self._signal)


def is_there(line: str) -> bool:
    """Whether a line can be reached at all: a number, or the text of one."""
    return line.isdigit() or any(line == one.strip() for file in _TRACED for one in linecache.getlines(file))


if __name__ == "__main__":
    state, line, *more = sys.argv[1:]
    if not is_there(line):
        sys.exit(f"There is no line {line!r} in what is traced: give the test the line that took its place.")
    number = signal.Signals[more[0]] if more else signal.SIGKILL
    executioner = Executioner(State(state), line, number, Path(os.environ["REACHED"]))
    signal.signal(signal.SIGUSR1, executioner.arm)
    threading.settrace(executioner.trace)
    sys.settrace(executioner.trace)
    sys.exit(main(["run"]))
