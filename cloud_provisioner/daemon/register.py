"""The records of all servers, as this process knows them, and what of them is not yet in the database.

Everything is written before anything is done: `commit` writes what has changed, all of it or nothing, and gives the
calls that may be made now. Where it cannot write, the register goes back to what the database has, and what was decided
is decided again in a later cycle.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning import past as lessons
from cloud_provisioner.planning.past import Past
from cloud_provisioner.servers.advance import Step, told
from cloud_provisioner.servers.record import Do, Intent
from cloud_provisioner.servers.states import Action, Seen, State

FORGOTTEN_FOR = 600.0
"""Seconds, longer than a list of servers may take, for which it is remembered that a server had a record."""
_LOG = logging.getLogger(__name__)
_OF_MEMORY = (Action.FORGET, Action.NOTE_BOOT, Action.NOTE_FAILURE)
_PERHAPS_NOT_THERE = (State.INTENDED, State.SENDING, State.UNSURE, State.ORPHANED, State.ABANDONED, State.GONE)


class Writer(Protocol):
    """Where records are kept."""

    def load(self) -> tuple[dict[str, Intent], Past]:
        """All records, and what earlier boots taught."""
        ...

    def write(self, intents: Iterable[Intent] = (), forget: Iterable[str] = (), past: Past | None = None) -> None:
        """Writes all of it in one transaction."""
        ...


class Register:
    """The records by uuid; made from what the database has, of which every server was perhaps left half made."""

    def __init__(self, store: Writer, now: float) -> None:
        self._store = store
        self._intents, self._past = store.load()
        self._written = dict(self._intents), self._past
        self._todo: list[Do] = []
        self._changed: set[str] = set()
        self._forgotten: dict[str, float] = {}
        self.failures: list[Do] = []
        """What failed since the last commit, for counters."""
        self.boots: list[Do] = []
        """What joined since the last commit, for counters."""
        for intent in list(self._intents.values()):
            self.follow(told(intent, Seen.RESTARTED, now), now)

    @property
    def intents(self) -> Mapping[str, Intent]:
        """The records, those not written yet among them."""
        return MappingProxyType(self._intents)

    @property
    def past(self) -> Past:
        """What boots taught so far."""
        return self._past

    def known_since(self, then: float) -> frozenset[str]:
        """The servers (uuids) that have a record, or had one at any time since `then`, of the last FORGOTTEN_FOR seconds."""
        return frozenset(self._intents) | {uuid for uuid, at in self._forgotten.items() if at >= then}

    def keep_time(self, now: float) -> None:
        """Where the clock was set back, nothing that was noted before lasts for as long."""
        self._past = lessons.in_time(self._past, now)
        self._forgotten = {uuid: min(at, now) for uuid, at in self._forgotten.items()}

    def add(self, intents: Iterable[Intent]) -> None:
        """Takes new records."""
        for intent in intents:
            self._set(intent)

    def follow(self, step: Step, now: float, room: Amount | None = None) -> None:
        """Takes the outcome of a step. `room`: what jobs find on the worker, where it has just joined."""
        self._set(step.intent)
        for do in step.todo:
            if do.action in _OF_MEMORY:
                self._remember(do, step.intent, now, room)
            else:
                self._todo.append(do)

    def accepted(self, intent: Intent) -> None:
        """Notes that the cloud took a create call."""
        self._past = lessons.accepted(self._past, intent.site, intent.binding.user)

    def commit(self) -> list[Do]:
        """Writes what has changed and gives the calls to make now. Whatever the store raises; then nothing has changed."""
        changed = [self._intents[uuid] for uuid in self._changed if uuid in self._intents]
        forgotten = [uuid for uuid in self._changed if uuid not in self._intents]
        past = self._past if self._past != self._written[1] else None
        try:
            if changed or forgotten or past is not None:
                self._store.write(changed, forgotten, past)
        except BaseException:
            self._go_back()
            raise
        for uuid in self._changed:
            self._tell(uuid)
            if uuid in self._intents:
                self._written[0][uuid] = self._intents[uuid]
            else:
                self._written[0].pop(uuid, None)
        self._written = self._written[0], self._past
        todo, self._todo = self._todo, []
        self._changed.clear()
        return todo

    def _tell(self, uuid: str) -> None:
        before, after = self._written[0].get(uuid), self._intents.get(uuid)
        known = after or before
        if known is not None and (before is None or after is None or before.state is not after.state):
            states = (one.state.value if one is not None else "no record" for one in (before, after))
            _LOG.info("%s: server %s: %s", known.site, uuid, " -> ".join(states))

    def _go_back(self) -> None:
        for uuid in self._changed:
            if uuid in self._written[0]:
                self._intents[uuid] = self._written[0][uuid]
            else:
                self._intents.pop(uuid, None)
        self._past = self._written[1]
        self._todo.clear()
        self._changed.clear()
        self.failures.clear()
        self.boots.clear()

    def _set(self, intent: Intent) -> None:
        if self._intents.get(intent.uuid) != intent:
            self._intents[intent.uuid] = intent
            self._changed.add(intent.uuid)

    def _remember(self, do: Do, intent: Intent, now: float, room: Amount | None) -> None:
        if do.action is Action.FORGET:
            del self._intents[intent.uuid]
            self._forgotten = {uuid: at for uuid, at in self._forgotten.items() if now - at < FORGOTTEN_FOR}
            self._forgotten[intent.uuid] = now
            self._changed.add(intent.uuid)
        elif do.action is Action.NOTE_BOOT:
            found = lessons.Room(intent.room, room or intent.room, now)
            self._past = lessons.booted(self._past, intent.site, intent.flavor, do.seconds, found)
            self.boots.append(do)
        elif do.failure is not None:
            cores = self._cores_beside(intent)
            self._past = lessons.failed(
                self._past, intent.site, intent.flavor, do.failure, now, cores, intent.binding.user
            )
            self.failures.append(do)

    def _cores_beside(self, failed: Intent) -> int:
        """What the other servers that the cloud has taken use of the site: a quota is free again only below that."""
        return sum(
            one.size.cpus
            for one in self._intents.values()
            if one.site == failed.site and one.uuid != failed.uuid and one.state not in _PERHAPS_NOT_THERE
        )
