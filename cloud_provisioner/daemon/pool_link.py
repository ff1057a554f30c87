"""The pool as a cycle needs it: the newest look that no cycle has used, and orders that are sent and forgotten.

An order that is lost is given again: a reason that an ad does not have is due after the next look, a drain is repeated
until the worker drains, and an ad that was not taken away goes by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from typing import Any

from cloud_provisioner.daemon.terms import View
from cloud_provisioner.errors import PoolSilent
from cloud_provisioner.observing.answers import Observation
from cloud_provisioner.observing.drains import Drains
from cloud_provisioner.observing.session import Session
from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.planning.reasons import Waiting

_LOG = logging.getLogger(__name__)
_SPEECH = 1.0
"""Seconds that telling jobs their reasons may take at a time: looks wait behind it."""


@dataclass
class PoolLink:
    """One conversation with the pool. For one thread."""

    session: Session
    drains: Drains
    _look: Future[Observation] | None = field(default=None, init=False)
    _speech: Future[Any] | None = field(default=None, init=False)
    _names: dict[str, str] = field(default_factory=dict, init=False)
    """Server -> what HTCondor calls its worker."""
    _troubles: tuple[str, ...] = field(default=(), init=False)

    def view(self, patience: float) -> View | None:
        """What a look has shown that ended within `patience` seconds, and was not given before; None: none did."""
        self.drains.tend()
        if self._look is None:
            self._look = self.session.observe()
        done, _ = wait([self._look], patience)
        if not done:
            return None
        look, self._look = self._look, None
        try:
            found = look.result()
        except PoolSilent as error:
            self._note((str(error),))
            return None
        self._note(found.troubles)
        if found.pool is not None:
            self._names = {uuid: worker.name for uuid, worker in found.pool.workers.items()}
        return View(found.groups, found.pool, found.static)

    def say(self, reasons: Sequence[Waiting]) -> None:
        """Has the jobs of the last look told why they wait, unless they are still being told."""
        if self._speech is not None and not self._speech.done():
            return
        if self._speech is not None and isinstance(error := self._speech.exception(), PoolSilent):
            _LOG.warning("reasons could not be written: %s", error)
        told = [replace(one, site=cloud_of(one.site)) if one.site is not None else one for one in reasons]
        self._speech = self.session.say(told, _SPEECH)

    def drain(self, uuids: Iterable[str]) -> None:
        """Has workers told to take no more jobs; those that the pool has not shown are asked for again later."""
        self.drains.ask(self._names[uuid] for uuid in uuids if uuid in self._names)

    def depart(self, uuids: Iterable[str]) -> None:
        """Has the ads of workers that are gone taken out of the pool."""
        self.session.depart(uuids)

    def close(self) -> None:
        """Ends the conversation."""
        self.drains.close()
        self.session.close()

    def _note(self, troubles: tuple[str, ...]) -> None:
        if troubles != self._troubles:
            for trouble in troubles:
                _LOG.warning("not all of the pool can be seen: %s", trouble)
            self._troubles = troubles
