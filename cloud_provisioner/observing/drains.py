"""Workers are told to take no more jobs, by HTCondor's own command: its bindings cannot.

A worker has no key with which it could check the provisioner's token. It gives the right to administer it to the collector,
with its ad, and the collector hands that to those who may administer the collector. `condor_drain` asks for it, the bindings
(25.0) do not. The command runs beside the provisioner, which never waits for it.

A worker that drains ends its jobs first, however long they run, and takes no others (MAXJOBRETIREMENTTIME in
condor_config/worker.conf). To ask again does no harm; a worker whose HTCondor starts anew has forgotten it, and is asked again.
"""

from __future__ import annotations

import logging
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

_LOG = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,254}")
"""Names come from workers' ads: none must be an option."""
_ALREADY = "Draining already in progress"
_REASON = "given back by the provisioner"


@dataclass
class Drains:
    """`command` is what comes before the options: `condor_drain`, or how that is run where HTCondor is.

    A run that takes longer than `patience` seconds is ended; `most` run at a time. `clock` gives seconds that never go back.
    """

    command: Sequence[str] = ("condor_drain",)
    patience: float = 30.0
    most: int = 8
    clock: Callable[[], float] = time.monotonic
    _waiting: dict[str, None] = field(default_factory=dict, init=False)
    _running: dict[str, tuple[subprocess.Popen[str], float]] = field(default_factory=dict, init=False)

    def ask(self, names: Iterable[str]) -> None:
        """Begins to drain the workers of these names (`Worker.name`)."""
        for name in names:
            if not _NAME.fullmatch(name):
                _LOG.warning("a worker calls itself %r: it cannot be drained", name)
            elif name not in self._running:
                self._waiting[name] = None
        self.tend()

    def tend(self) -> None:
        """Takes note of what has ended, ends what takes too long, begins what waits. To be called now and then."""
        for name, (process, since) in list(self._running.items()):
            if process.poll() is not None:
                del self._running[name]
                self._ended(name, process)
            elif self.clock() - since > self.patience:
                process.kill()
        while self._waiting and len(self._running) < self.most:
            name = next(iter(self._waiting))
            del self._waiting[name]
            self._begin(name)

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self._running or self._waiting)

    def close(self) -> None:
        """Ends what runs."""
        self._waiting.clear()
        for process, _ in self._running.values():
            process.kill()
            process.communicate()
        self._running.clear()

    def _begin(self, name: str) -> None:
        words = [*self.command, "-graceful", "-reason", _REASON, name]
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
        except OSError as error:
            _LOG.error("%s cannot be run: %s", self.command[0], error.strerror)
        else:
            self._running[name] = process, self.clock()

    @staticmethod
    def _ended(name: str, process: subprocess.Popen[str]) -> None:
        _, said = process.communicate()
        if process.returncode and _ALREADY not in said:
            _LOG.warning("%s could not be drained (%d): %s", name, process.returncode, said.strip()[-300:])
