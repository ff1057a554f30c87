"""`plan`: from what was observed to what is to be done, and why each idle job waits. No I/O, no clock, no chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloud_provisioner.planning import gangs, readiness, singles
from cloud_provisioner.planning.choices import Chooser
from cloud_provisioner.planning.decisions import Boot, Draft, Policy
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.ledger import Ledger
from cloud_provisioner.planning.past import Past
from cloud_provisioner.planning.places import Site
from cloud_provisioner.planning.reasons import Waiting
from cloud_provisioner.planning.stock import Stock
from cloud_provisioner.planning.supply import Server
from cloud_provisioner.servers.record import Purpose
from cloud_provisioner.servers.states import State

_ORPHANED_KEEP_ALIVE = 300.0
"""Seconds, for workers of a site that is no longer configured."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`boots` to write down and send, uuids of workers to `drain`, and a reason for each idle job."""

    boots: tuple[Boot, ...]
    drain: tuple[str, ...]
    reasons: tuple[Waiting, ...]


def plan(
    demand: Iterable[Group],
    supply: Sequence[Server],
    sites: Sequence[Site],
    past: Past,
    now: float,
    policy: Policy | None = None,
) -> Plan:
    """Decides for all idle jobs at once; the same input gives the same plan.

    Groups are served by priority, a user's first group before anybody's second, then by age. Time grows with the number
    of groups and of servers, not of jobs. An empty `demand` must mean that nothing is idle: after a query that failed,
    do not plan.
    """
    rules = policy or Policy()
    by_name = {site.name: site for site in sites}
    draft = Draft(
        by_name, Chooser(sites, past, now), Ledger(sites, supply, past, now), Stock(supply, by_name), rules, now
    )
    for group in _in_turn(demand):
        (singles if group.needs.single else gangs).place(draft, group)
    readiness.keep(draft, supply)
    return Plan(tuple(draft.boots), _given_back(draft, supply), tuple(draft.reasons))


def _in_turn(demand: Iterable[Group]) -> list[Group]:
    turns: dict[str, int] = {}
    ordered: list[tuple[int, int, int, Group]] = []
    for group in sorted((one for one in demand if one.count > 0), key=lambda one: (-one.priority, one.since, one.key)):
        turn = turns.get(group.user, 0)
        turns[group.user] = turn + 1
        ordered.append((-group.priority, turn, len(ordered), group))
    ordered.sort(key=lambda one: one[:3])
    return [group for *_, group in ordered]


def _given_back(draft: Draft, supply: Sequence[Server]) -> tuple[str, ...]:
    """Workers of sites that are switched off, and those that nobody waits for and that have been idle for too long.

    Of the idle ones, the longest idle first. A worker of a site that is switched off ends with the jobs that it has.
    """
    kept = dict.fromkeys(draft.sites, 0)
    switched_off = frozenset(name for name, site in draft.sites.items() if not site.enabled)
    idle = []
    drained = []
    for server in supply:
        if not server.ours:
            continue
        if server.state is State.READY and server.site in switched_off:
            drained.append(server.uuid)
            continue
        if server.state is not State.READY or server.site not in kept:
            if server.state is State.READY and server.idle_since is not None:
                idle.append((server.idle_since, server.uuid, server))
            continue
        if server.purpose is Purpose.SHARED:
            kept[server.site] += 1
        if server.idle_since is not None and server.uuid not in draft.stock.spoken_for:
            idle.append((server.idle_since, server.uuid, server))
    for since, uuid, server in sorted(idle, key=lambda one: one[:2]):
        if draft.now - since < _keep_alive(draft, server):
            continue
        site = draft.sites.get(server.site)
        if site is not None and server.purpose is Purpose.SHARED:
            if kept[site.name] <= site.kept_ready:
                continue
            kept[site.name] -= 1
        drained.append(uuid)
    return tuple(drained)


def _keep_alive(draft: Draft, server: Server) -> float:
    site = draft.sites.get(server.site)
    if site is None:
        return _ORPHANED_KEEP_ALIVE
    # A worker made for one user's large jobs is of no use to others: it goes soon.
    pressed = server.site in draft.pressed or server.purpose is Purpose.OWN
    return min(site.keep_alive, draft.policy.pressed_keep_alive) if pressed else site.keep_alive
