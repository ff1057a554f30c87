"""Workers that are kept ready: booted although no job needs them, as many as the site's admin has asked for."""

from __future__ import annotations

from collections.abc import Sequence

from cloud_provisioner.planning.decisions import Boot, Draft
from cloud_provisioner.planning.places import Site
from cloud_provisioner.planning.supply import COMING, Server
from cloud_provisioner.servers.record import Binding, Purpose
from cloud_provisioner.servers.states import State

_NOBODY = ""
"""In place of the user: nobody's grant is used, nobody's failures matter."""


def keep(draft: Draft, supply: Sequence[Server]) -> None:
    """Adds the boots that are missing, after everything that jobs need. Sites of users' grants have nobody to boot for."""
    for site in draft.sites.values():
        if site.kept_ready and site.enabled and site.grants is None and len(site.vos) < 2 and site.flavors:
            missing = site.kept_ready - _there(draft, supply, site)
            flavor = min(site.flavors, key=lambda one: (one.preemptible, one.price, one.size, one.name))
            count = min(missing, draft.ledger.room(site.name, flavor, _NOBODY))
            if count > 0:
                binding = Binding(None, next(iter(site.vos), None))
                draft.ledger.book(site.name, flavor, count)
                draft.boots.append(Boot(site.name, flavor, count, binding, Purpose.SHARED, _NOBODY))


def _there(draft: Draft, supply: Sequence[Server], site: Site) -> int:
    booted = sum(boot.count for boot in draft.boots if boot.site == site.name and boot.purpose is Purpose.SHARED)
    return booted + sum(
        server.site == site.name
        and server.ours
        and server.purpose is Purpose.SHARED
        and (server.state is State.READY or server.state in COMING)
        for server in supply
    )
