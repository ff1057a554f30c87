"""Why a job gets no server at each site: the provisioner's own plan, made for this job alone and each site by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cloud_provisioner.amounts import NOTHING
from cloud_provisioner.planning.decisions import Policy
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.past import Past
from cloud_provisioner.planning.places import Site
from cloud_provisioner.planning.plan import plan
from cloud_provisioner.planning.supply import Server

COULD = "yes"
"""In place of a reason's code: a server could be booted now."""
_BEGINNING = "waiting: "


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a site has for a job: COULD or the code of a reason, and a phrase."""

    site: str
    code: str
    phrase: str


def at_sites(
    group: Group, servers: Iterable[Server], sites: Iterable[Site], past: Past, now: float, policy: Policy
) -> list[Verdict]:
    """A verdict for each site; `servers` count against the limits, room on them does not help."""
    full = [replace(server, room=NOTHING) for server in servers]
    return [_verdict(replace(group, count=1), full, _in_detail(site), past, now, policy) for site in sites]


def _in_detail(site: Site) -> Site:
    """The site with what is said of it to admins in place of what users are told."""
    return site if site.silent is None else replace(site, silent=replace(site.silent, phrase=site.silent.detail))


def _verdict(group: Group, servers: Sequence[Server], site: Site, past: Past, now: float, policy: Policy) -> Verdict:
    made = plan([group], servers, [site], past, now, policy)
    boots = [boot for boot in made.boots if boot.group == group.key]
    if boots:
        what = ", ".join(f"{boot.count} of the flavor {boot.flavor.name}" for boot in boots)
        return Verdict(site.name, COULD, f"could be booted now: {what}")
    reason = made.reasons[0]
    return Verdict(site.name, reason.reason.value, reason.sentence.removeprefix(_BEGINNING))
