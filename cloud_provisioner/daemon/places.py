"""From a site's description, and what its cloud said last, to the places that the planner knows. Pure.

A site with several projects is one place for each: a place has one quota and one list of servers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cloud_provisioner.amounts import NOTHING, Amount
from cloud_provisioner.drivers.contract import Offer
from cloud_provisioner.planning.decisions import Boot
from cloud_provisioner.planning.places import Limits, Silence, Site, cloud_of
from cloud_provisioner.planning.reasons import OF_FAILURE, Reason
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.sites import base
from identity.caller import group_slug

STALE = 600.0
"""Seconds for which an offer counts after the cloud could not be asked again."""
_NOTES = 3
"""So many stand in a sentence."""
_FINAL = (Failure.AUTH, Failure.BAD_REQUEST)
_TOLD = {
    Reason.AUTH: "cannot be used: its cloud does not let the service in",
    Reason.BAD_REQUEST: "cannot be used: an admin has to correct how it is described",
    Reason.BUSY: "cannot be used at the moment: its cloud does not answer as it should",
    Reason.UNKNOWN: "has not said yet what it has to offer",
    Reason.NO_FLAVOR: "has no flavor that can be used",
}
"""What users are told of a site at which nothing can be booted."""


@dataclass(frozen=True, slots=True)
class Use:
    """What servers take of a place's limits."""

    servers: int = 0
    size: Amount = NOTHING

    @classmethod
    def of(cls, intents: Iterable[Intent]) -> Use:
        """What these servers take together."""
        sizes = [intent.size for intent in intents]
        return cls(len(sizes), _sum(sizes))

    @classmethod
    def together(cls, uses: Iterable[Use]) -> Use:
        """The sum of uses."""
        uses = tuple(uses)
        return cls(sum(use.servers for use in uses), _sum(use.size for use in uses))


def _sum(amounts: Iterable[Amount]) -> Amount:
    return Amount(*(sum(column) for column in zip(NOTHING, *amounts, strict=True)))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a place's offer: the last one, what of `used` in it was ours, and the failure since, if any."""

    offer: Offer | None = None
    ours: Use = Use()
    at: float = float("-inf")
    """When the offer came, epoch seconds."""
    failure: Failure | None = None
    sentence: str = ""

    def silent(self, name: str, now: float) -> Silence | None:
        """Why nothing can be booted there, where that is so. What the cloud said, with files and accounts, is for admins."""
        # An offer that came in the future is of before the clock was set back: how old it is nobody knows.
        if self.failure is not None and (self.failure in _FINAL or not 0 <= now - self.at <= STALE):
            reason, said = OF_FAILURE[self.failure], f"{name} cannot be used ({self.sentence.rstrip('.')})"
        elif self.offer is None:
            reason, said = Reason.UNKNOWN, f"{name} {_TOLD[Reason.UNKNOWN]}"
        elif not self.offer.flavors:
            why = "; ".join(note.rstrip(".") for note in self.offer.notes[:_NOTES]) or "`flavors` admits none there"
            reason, said = Reason.NO_FLAVOR, f"{name} {_TOLD[Reason.NO_FLAVOR]} ({why})"
        else:
            return None
        return Silence(reason, f"{name} {_TOLD.get(reason, 'cannot be used at the moment')}", said)


def place_names(site: base.Site, accounts: Sequence[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The places of a site with the VOs of each: the site's own name, or `NAME/VO` where there are several projects."""
    if len(accounts) == 1:
        return {site.name: tuple(accounts[0])}
    return {f"{site.name}/{'others' if base.ANY_VO in vos else sorted(vos)[0]}": tuple(vos) for vos in accounts}


def vo_of(vos: Iterable[str], slug: str | None) -> str:
    """Of a place's VOs, the one of which this is the accounting group; `*` or the first where none is."""
    vos = tuple(vos)
    return next((vo for vo in vos if group_slug(vo) == slug), base.ANY_VO if base.ANY_VO in vos else vos[0])


def place(
    name: str,
    site: base.Site,
    vos: Sequence[str],
    known: Known,
    elsewhere: Use,
    grants: frozenset[str] | None,
    now: float,
) -> Site:
    """A place as the planner sees it. `elsewhere` is what the site's other places take of the admin's limits."""
    others = frozenset(group_slug(vo) for vo in site.vos if vo not in vos and vo != base.ANY_VO)
    offer = known.offer or Offer((), Limits())
    limits, foreign = _limits(offer, known.ours, own_limits(site), elsewhere)
    everyone = base.ANY_VO in vos
    return Site(
        name,
        offer.flavors,
        region=site.region or "",
        tier=site.tier,
        priority=site.priority,
        limits=limits,
        foreign=foreign.size,
        foreign_servers=foreign.servers,
        vos=frozenset() if everyone else frozenset(map(group_slug, vos)),
        except_vos=others if everyone else frozenset(),
        grants=grants,
        keep_alive=site.keep_alive,
        kept_ready=site.kept_ready,
        starting=site.starting,
        longest_job=site.longest_job,
        enabled=site.enabled,
        silent=known.silent(name, now),
    )


def own_limits(site: base.Site) -> Limits:
    """The admin's own limits, memory in MB."""
    memory = site.limits.memory_gb
    return Limits(site.limits.servers, site.limits.cores, None if memory is None else int(memory * 1024))


def within(boots: Iterable[Boot], sites: Mapping[str, base.Site], used: Mapping[str, Use]) -> tuple[Boot, ...]:
    """The boots that the admin's limits of whole sites allow: places of one site are planned each for itself.

    `used` is what each site's servers take already. Boots are cut from the end; a gang that no longer fits is left out.
    """
    left = {name: _left(own_limits(site), used.get(name, Use())) for name, site in sites.items()}
    allowed = []
    for boot in boots:
        name = cloud_of(boot.site)
        room = left.get(name)
        if room is None:
            continue
        size = boot.flavor.size
        most = min(room.servers, room.size.cpus // max(1, size.cpus), room.size.memory // max(1, size.memory))
        count = min(boot.count, most)
        if count < boot.count and boot.purpose.value == "own":
            continue
        if count > 0:
            taken = Amount(count * size.cpus, count * size.memory, 0)
            left[name] = Use(room.servers - count, room.size.less(taken))
            allowed.append(replace(boot, count=count))
    return tuple(allowed)


_MUCH = 1 << 40


def _left(limits: Limits, used: Use) -> Use:
    def rest(limit: int | None, taken: int) -> int:
        return _MUCH if limit is None else limit - taken

    size = Amount(rest(limits.cores, used.size.cpus), rest(limits.memory, used.size.memory), _MUCH)
    return Use(rest(limits.servers, used.servers), size)


def _limits(offer: Offer, ours: Use, own: Limits, elsewhere: Use) -> tuple[Limits, Use]:
    """The limits that count, and what of each others use: theirs counts against the cloud's quota alone."""
    cloud, used = offer.limits, offer.used
    servers = _lower(cloud.servers, offer.used_servers - ours.servers, own.servers, elsewhere.servers)
    cores = _lower(cloud.cores, used.cpus - ours.size.cpus, own.cores, elsewhere.size.cpus)
    memory = _lower(cloud.memory, used.memory - ours.size.memory, own.memory, elsewhere.size.memory)
    return Limits(servers[0], cores[0], memory[0]), Use(servers[1], Amount(cores[1], memory[1], 0))


def _lower(cloud: int | None, foreign: int, own: int | None, elsewhere: int) -> tuple[int | None, int]:
    foreign = max(0, foreign)
    allowed = None if own is None else max(0, own - elsewhere)
    if cloud is None or (allowed is not None and allowed <= cloud - foreign):
        return allowed, 0
    return cloud, foreign
