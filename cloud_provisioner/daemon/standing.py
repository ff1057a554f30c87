"""How the places do, for admins and Prometheus: what their clouds said last, and what of their limits is in use. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cloud_provisioner.amounts import Amount
from cloud_provisioner.daemon.place import Place
from cloud_provisioner.daemon.places import Use
from cloud_provisioner.planning.places import Limits, Site
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.store.health import SiteHealth

_NOTES = 20


def standing(
    place: Place,
    planned: Site | None,
    intents: Iterable[Intent],
    before: SiteHealth | None,
    file: str | None,
    now: float,
) -> SiteHealth:
    """How a place does. `planned`: as plans see it, None where its description has gone; `before`: what was said last;
    `file`: the one that describes it."""
    ours = Use.of(intents)
    trouble = _trouble(place, planned)
    if trouble and file:
        trouble = f"{file}: {trouble}"
    since = before.since if before is not None and bool(before.trouble) == bool(trouble) else now
    offer = place.known.offer
    foreign = planned.foreign if planned is not None else Amount(0, 0, 0)
    return SiteHealth(
        place.site.name,
        place.name,
        now,
        since,
        trouble,
        ours.servers,
        len(offer.flavors) if offer is not None else 0,
        planned.limits if planned is not None else Limits(),
        Amount(ours.size.cpus + foreign.cpus, ours.size.memory + foreign.memory, ours.size.disk),
        ours.servers + (planned.foreign_servers if planned is not None else 0),
        place.list_seconds,
        offer.notes[:_NOTES] if offer is not None else (),
        _expected(planned),
    )


def usable(healths: Iterable[SiteHealth]) -> Mapping[str, bool]:
    """Whether all places of each site are in order that ought to be: what an admin has switched off is no fault."""
    found: dict[str, bool] = {}
    for health in healths:
        if health.expected:
            found[health.site] = found.get(health.site, True) and not health.trouble
    return found


def _expected(planned: Site | None) -> bool:
    # Where there are only users' own rights, and nobody lends any, nothing can be asked of the cloud.
    return planned is not None and planned.enabled and (planned.grants is None or bool(planned.grants))


def _trouble(place: Place, planned: Site | None) -> str:
    if planned is None:
        return "its description has gone: nothing is booted there, and its servers are given back"
    if planned.enabled and not _expected(planned):
        return "it works with users' own rights, and there are none that can be used (`prominence-admin grants list`)"
    if planned.silent is not None:
        return planned.silent.detail
    if place.list_failure:
        return f"its servers cannot be listed ({place.list_failure.rstrip('.')})"
    return "" if planned.enabled else "it is switched off in its description"
