"""The room on workers that there are, on those on their way, and on those that this plan boots.

Workers with the same room for the same jobs lie on one shelf, so that thousands of them cost little. What is taken is
marked: a worker that somebody waits for is not given back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cloud_provisioner.amounts import NOTHING, Amount
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.places import Site, cloud_of
from cloud_provisioner.planning.supply import COMING, Server
from cloud_provisioner.servers.record import Binding, Purpose
from cloud_provisioner.servers.states import State


class Shelf(NamedTuple):
    """What the workers on a shelf have in common. `whole`: no job runs there and none was counted on it."""

    site: str
    state: State
    preemptible: bool
    whole: bool
    room: Amount


class Taken(NamedTuple):
    """`nodes` nodes of jobs found room on workers of a site in a state."""

    site: str
    state: State
    nodes: int


_Row = dict[Shelf, list[str]]


class Stock:
    """Rooms, by whose jobs they may take."""

    def __init__(self, servers: Iterable[Server], sites: Mapping[str, Site]) -> None:
        self._regions = {name: site.region for name, site in sites.items()}
        switched_off = frozenset(name for name, site in sites.items() if not site.enabled)
        self._rows: dict[tuple[Binding, Purpose], _Row] = {}
        self._exhausted: set[tuple[object, ...]] = set()
        self.spoken_for: set[str] = set()
        for server in servers:
            if server.state is not State.READY and server.state not in COMING:
                continue
            if server.ours and server.site in switched_off:
                # It is drained, or will be as soon as it has joined.
                continue
            if not server.ours:
                self._regions.setdefault(server.site, server.region)
            whole = server.state is not State.READY or server.idle_since is not None
            shelf = Shelf(server.site, server.state, server.preemptible, whole, server.room)
            self.put(server.binding, server.purpose, shelf, (server.uuid,))

    def put(self, binding: Binding, purpose: Purpose, shelf: Shelf, uuids: Iterable[str]) -> None:
        """Adds workers; those without room are left out."""
        if shelf.room.cpus > 0:
            self._rows.setdefault((binding, purpose), {}).setdefault(shelf, []).extend(uuids)
            self._exhausted.clear()

    def take(self, group: Group, node: Amount, count: int, site: str | None = None) -> list[Taken]:
        """Takes room for up to `count` nodes, at one site or anywhere; on present workers first, the fullest first."""
        kind = (node, group.user, group.vo, group.own, group.required, group.preemptible, site)
        if kind in self._exhausted:
            return []
        taken: list[Taken] = []
        for row_key, shelf in self._suitable(group, node, site):
            if count == 0:
                break
            fitting = self._fitting(row_key[1], shelf, node)
            got = min(count, fitting * len(self._rows[row_key][shelf]))
            self._remove(row_key, shelf, node, got, fitting)
            taken.append(Taken(shelf.site, shelf.state, got))
            count -= got
        if count:
            self._exhausted.add(kind)
        return taken

    def by_site(self, group: Group, node: Amount) -> dict[str, int]:
        """For how many such nodes there is room at each site."""
        rooms: dict[str, int] = {}
        for row_key, shelf in self._suitable(group, node, None):
            nodes = self._fitting(row_key[1], shelf, node) * len(self._rows[row_key][shelf])
            rooms[shelf.site] = rooms.get(shelf.site, 0) + nodes
        return rooms

    def _suitable(self, group: Group, node: Amount, site: str | None) -> list[tuple[tuple[Binding, Purpose], Shelf]]:
        found = []
        for row_key in self._row_keys(group):
            for shelf in self._rows.get(row_key, ()):
                if (site is not None and shelf.site != site) or not shelf.room.holds(node):
                    continue
                if shelf.preemptible and not group.preemptible:
                    continue
                if row_key[1] is Purpose.OWN and not shelf.whole:
                    continue
                if row_key[1] is Purpose.SHARED and group.own and shelf.state is not State.READY:
                    continue
                if group.required.admits(cloud_of(shelf.site), self._regions.get(shelf.site, "")):
                    found.append((row_key, shelf))
        found.sort(key=lambda one: (one[1].state is not State.READY, one[1].room, one[1].site, one[1].state))
        return found

    @staticmethod
    def _row_keys(group: Group) -> Iterator[tuple[Binding, Purpose]]:
        purposes = [Purpose.SHARED]
        if group.own:
            # Jobs of several nodes may use shared workers that are there; a dedicated one-node job may not.
            purposes = [Purpose.OWN] if group.needs.single else [Purpose.OWN, Purpose.SHARED]
        for purpose in purposes:
            for user in (group.user, None):
                for vo in (group.vo, None):
                    yield Binding(user, vo), purpose

    @staticmethod
    def _fitting(purpose: Purpose, shelf: Shelf, node: Amount) -> int:
        return 1 if purpose is Purpose.OWN else shelf.room.times_of(node)

    def _remove(self, row_key: tuple[Binding, Purpose], shelf: Shelf, node: Amount, count: int, fitting: int) -> None:
        row = self._rows[row_key]
        uuids = row[shelf]
        full, part = divmod(count, fitting)
        for nodes, workers in ((fitting, full), (part, 1 if part else 0)):
            if not workers:
                continue
            moved = uuids[-workers:]
            del uuids[-workers:]
            self.spoken_for.update(moved)
            left = NOTHING if row_key[1] is Purpose.OWN else shelf.room.less(node, nodes)
            if left.cpus > 0:
                row.setdefault(shelf._replace(room=left, whole=False), []).extend(moved)
        if not uuids:
            del row[shelf]
