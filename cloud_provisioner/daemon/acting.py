"""Begins the calls that records ask for, once they are written.

Races it has thought of:

- The lease may be lost at any time: calls ask once more before they are made.
- A delete may wait for a thread while the worker joins and gets a job: before it is sent, its server must still be given up.
  What has waited for too long is not sent: by then it is decided anew, by a newer word of the pool.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from cloud_provisioner.daemon.clouds import Clouds
from cloud_provisioner.daemon.place import Place
from cloud_provisioner.daemon.places import vo_of
from cloud_provisioner.daemon.register import Register
from cloud_provisioner.daemon.terms import Terms
from cloud_provisioner.metrics import Metrics
from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.servers.advance import told
from cloud_provisioner.servers.record import Do, Intent
from cloud_provisioner.servers.states import Action, Seen, State
from cloud_provisioner.servers.views import Listed

_LOG = logging.getLogger(__name__)


@dataclass
class Acting:
    """What calls need; nothing here waits for one."""

    terms: Terms
    register: Register
    clouds: Clouds
    metrics: Metrics
    drain: Callable[[Iterable[str]], None]
    """Tells workers, by uuid, to take no more jobs."""
    joined: Collection[str] = ()
    """The servers that are in the pool, by its last word."""

    def send(self, now: float, lenders: frozenset[str]) -> None:
        """Begins as many of the creates that are written down as their places can make at a time.

        What is written down for a site that has been switched off or taken away since is forgotten.
        """
        waiting = [intent for intent in self.register.intents.values() if intent.state is State.INTENDED]
        if not waiting:
            return
        begun: dict[str, int] = {}
        for intent in sorted(waiting, key=lambda one: (one.made_at, one.uuid)):
            place = self.clouds.get(intent.site)
            if place is None or not self.clouds.takes_servers(intent.site):
                self.register.follow(told(intent, Seen.GIVE_BACK, now), now)
            elif begun.get(intent.site, 0) < place.free_calls:
                begun[intent.site] = begun.get(intent.site, 0) + 1
                self.register.follow(told(intent, Seen.DUE, now), now)
        self.act(self.register.commit(), lenders)

    def act(self, todo: Iterable[Do], lenders: frozenset[str]) -> None:
        """Begins what is to be done. `lenders`: users whose own rights can be used now."""
        drained = []
        for do in todo:
            intent = self.register.intents.get(do.uuid)
            if do.action is Action.DRAIN:
                drained.append(do.uuid)
                continue
            place = self.clouds.get(intent.site) if intent is not None else None
            if intent is None or place is None:
                continue
            if do.action is Action.CREATE:
                self._create(place, intent)
            elif do.action is Action.DELETE and do.cloud_id is not None:
                place.delete(intent, do.cloud_id, sorted(lenders), self._may_delete(intent.uuid, do.cloud_id))
        if drained:
            self.drain(drained)

    def delete_leak(self, place: Place, leak: Listed, lenders: frozenset[str]) -> None:
        """Begins the delete of a server that has no record."""
        _LOG.warning("%s: server %s has no record: it is deleted", place.name, leak.cloud_id)
        self.metrics.leaks.labels(cloud_of(place.name)).inc()
        # A check's own worker may be in the pool for as long as it lives: its time is over all the same.
        ours = leak.service == self.terms.service
        may = self._may_delete(leak.uuid, leak.cloud_id) if ours else self.terms.may_act
        place.delete_leak(leak.uuid, leak.cloud_id, sorted(lenders), may)

    def _may_delete(self, uuid: str, cloud_id: str) -> Callable[[], bool]:
        """Whether a delete that is decided now may still be sent; asked in the thread that sends it, perhaps much later."""
        decided = self.terms.steady()

        def may() -> bool:
            intent = self.register.intents.get(uuid)
            if intent is None:
                given_up = uuid not in self.joined
            else:
                given_up = intent.state is State.DELETING or intent.cloud_id != cloud_id
            return given_up and self.terms.steady() - decided < self.terms.times.repeat and self.terms.may_act()

        return may

    def _create(self, place: Place, intent: Intent) -> None:
        vo = vo_of(place.vos, intent.binding.vo)
        _LOG.info("%s: server %s is asked for (%s)", place.name, intent.uuid, intent.flavor)
        self.metrics.creates.labels(cloud_of(place.name)).inc()
        zone = self.register.past.zones.get((intent.site, intent.flavor), 0)
        place.create(intent, lambda: self.terms.order(intent, place.site, vo, zone), self.terms.may_act)
