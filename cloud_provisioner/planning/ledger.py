"""What can still be booted at each site: limits, servers on their way, back-offs, and what this plan has decided.

Every record of a server counts until the cloud has said that it is gone, so what is reserved is never given twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cloud_provisioner.planning.past import Past, Trouble
from cloud_provisioner.planning.places import Flavor, Site
from cloud_provisioner.planning.reasons import OF_FAILURE, Obstacle, Reason, duration
from cloud_provisioner.planning.supply import COMING, Server
from cloud_provisioner.servers.failures import Failure

_NO_LIMIT = 1 << 40
_NEVER = float("-inf")
_WHAT = {
    Failure.AUTH: "refused sign-in{s}",
    Failure.QUOTA: "refusal{s} for its quota",
    Failure.CAPACITY: "time{s} without capacity",
    Failure.BAD_REQUEST: "refused request{s}",
    Failure.BUSY: "failed call{s}",
    Failure.BOOT: "failed boot{s}",
    Failure.LOST: "lost worker{s}",
}


@dataclass(slots=True)
class _Account:
    site: Site
    servers: int
    cores: int
    memory: int
    ours: int = 0
    """The cores of our own servers, without others' that count against the limits."""
    starting: int = 0
    newest: dict[str | None, float] = field(default_factory=dict)
    held: bool = False
    least_cores: int = 0
    """Of the site's smallest flavor."""


class Ledger:
    """The accounts of all sites during one plan."""

    def __init__(self, sites: Iterable[Site], servers: Iterable[Server], past: Past, now: float) -> None:
        self._past, self._now = past, now
        self._accounts = {
            site.name: _Account(
                site,
                site.foreign_servers,
                site.foreign.cpus,
                site.foreign.memory,
                least_cores=min((flavor.size.cpus for flavor in site.flavors), default=0),
            )
            for site in sites
        }
        for server in servers:
            account = self._accounts.get(server.site)
            if account is not None and server.ours:
                coming = server.state in COMING
                self._book(account, server.flavor, server.size.cpus, server.size.memory, 1, coming, server.made_at)

    def room(self, site: str, flavor: Flavor, user: str, gang: int = 0) -> int:
        """How many servers of the flavor can be booted now. A gang of so many may exceed the limit of servers on
        their way where it starts alone, or it could never start."""
        account = self._accounts[site]
        if account.held:
            return 0
        most = min(self._quota(account, flavor), self._tries(account, flavor.name, user))
        allowed = account.site.starting - account.starting
        if gang > allowed and account.starting == 0:
            allowed = gang
        return max(0, min(most, allowed))

    def closed(self, site: str) -> bool:
        """Whether nothing at all can be booted at the site any more; cheap, for the many jobs that ask in vain."""
        account = self._accounts[site]
        here = account.site
        cores, servers = here.limits.cores, here.limits.servers
        return (
            account.held
            or account.starting >= here.starting
            or (cores is not None and cores - account.cores < account.least_cores)
            or (servers is not None and account.servers >= servers)
        )

    def quota(self, site: str, flavor: Flavor) -> int:
        """How many servers of the flavor the limits leave room for, back-offs aside; none where it is held."""
        account = self._accounts[site]
        return 0 if account.held else self._quota(account, flavor)

    def probing(self, site: str, flavor: Flavor, user: str) -> bool:
        """Whether exactly one server may be tried, after failures."""
        return self._tries(self._accounts[site], flavor.name, user) == 1

    def coming(self, site: str, flavor: Flavor) -> bool:
        """Whether a server of the flavor is on its way, or booted by this plan."""
        return flavor.name in self._accounts[site].newest

    def could_ever(self, site: str, flavor: Flavor) -> int:
        """How many servers of the flavor the limits allow when nothing of ours runs."""
        here = self._accounts[site].site
        return self._quota(_Account(here, here.foreign_servers, here.foreign.cpus, here.foreign.memory), flavor)

    def book(self, site: str, flavor: Flavor, count: int) -> None:
        """Reserves `count` servers of the flavor, to be started now."""
        self._book(self._accounts[site], flavor.name, flavor.size.cpus, flavor.size.memory, count, True, self._now)

    def hold(self, site: str) -> None:
        """Nothing more is booted at the site in this plan: what is free there is kept."""
        self._accounts[site].held = True

    def obstacle(self, site: str, flavor: Flavor, user: str, count: int = 1) -> Obstacle:
        """Why `count` more servers of the flavor cannot be booted there at once."""
        account = self._accounts[site]
        for trouble in self._troubles(account, flavor.name, user):
            if self._now < trouble.until:
                return self._keeps_away(site, trouble)
            if not self._may_try(account, trouble, flavor.name):
                phrase = f"{site} tries one server first, after {_times(trouble)}"
                return Obstacle(site, Reason.PROBING, phrase)
        if account.held:
            return Obstacle(site, Reason.HELD, f"what is free at {site} is kept for a multi-node job")
        if self._quota(account, flavor) >= count and account.starting:
            phrase = f"{account.starting} servers are being started at {site}, no more at a time"
            return Obstacle(site, Reason.STARTING, phrase)
        return Obstacle(site, Reason.QUOTA, self._quota_phrase(account, flavor, count))

    def _keeps_away(self, site: str, trouble: Trouble) -> Obstacle:
        wait = duration(trouble.until - self._now)
        phrase = f"{site} tries again in {wait} after {_times(trouble)}"
        return Obstacle(site, OF_FAILURE[trouble.failure], phrase, trouble.until)

    @staticmethod
    def _quota_phrase(account: _Account, flavor: Flavor, count: int) -> str:
        limits, name = account.site.limits, account.site.name
        rows = (
            (account.servers, count, limits.servers, "servers"),
            (account.cores, count * flavor.size.cpus, limits.cores, "cores"),
            (account.memory, count * flavor.size.memory, limits.memory, "MB of memory"),
        )
        for used, more, limit, what in rows:
            if limit is not None and used + more > limit:
                if used >= limit:
                    return f"site {name}'s quota is used up ({used} of {limit} {what})"
                return f"site {name}'s quota has no room ({used} of {limit} {what} used, {more} more needed)"
        return f"site {name} takes no more servers now"

    @staticmethod
    def _book(
        account: _Account, flavor: str, cores: int, memory: int, count: int, coming: bool, made_at: float
    ) -> None:
        account.servers += count
        account.cores += count * cores
        account.ours += count * cores
        account.memory += count * memory
        if coming:
            account.starting += count
            for scope in (None, flavor):
                account.newest[scope] = max(account.newest.get(scope, _NEVER), made_at)

    @staticmethod
    def _quota(account: _Account, flavor: Flavor) -> int:
        limits, most = account.site.limits, _NO_LIMIT
        if limits.servers is not None:
            most = limits.servers - account.servers
        if limits.cores is not None and flavor.size.cpus:
            most = min(most, (limits.cores - account.cores) // flavor.size.cpus)
        if limits.memory is not None and flavor.size.memory:
            most = min(most, (limits.memory - account.memory) // flavor.size.memory)
        return max(0, most)

    def _tries(self, account: _Account, flavor: str, user: str) -> int:
        tries = _NO_LIMIT
        for trouble in self._troubles(account, flavor, user):
            if self._now < trouble.until or not self._may_try(account, trouble, flavor):
                return 0
            tries = 1
        return tries

    def _troubles(self, account: _Account, flavor: str, user: str) -> list[Trouble]:
        if not self._past.troubles:
            return []
        name = account.site.name
        found: list[Trouble] = []
        for scope in ((name, None, None), (name, None, user), (name, flavor, None)):
            here: Mapping[Failure, Trouble] = self._past.troubles.get(scope, {})
            found += (trouble for trouble in here.values() if not self._released(account, trouble))
        return sorted(found, key=lambda trouble: -trouble.until)

    @staticmethod
    def _released(account: _Account, trouble: Trouble) -> bool:
        return trouble.failure is Failure.QUOTA and account.ours < trouble.cores

    @staticmethod
    def _may_try(account: _Account, trouble: Trouble, flavor: str) -> bool:
        # A server of before the end of the back-off is no probe: it may be the one that hangs.
        of_a_flavor = trouble.failure in (Failure.CAPACITY, Failure.BAD_REQUEST, Failure.LOST)
        return account.newest.get(flavor if of_a_flavor else None, _NEVER) < trouble.until


def _times(trouble: Trouble) -> str:
    return f"{trouble.failures} {_WHAT[trouble.failure].format(s='s' if trouble.failures > 1 else '')}"
