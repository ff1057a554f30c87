"""What of a site can be tried without making anything: its description, the driver's own probes, its quota, its list."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloud_provisioner.admin.checking.report import Report, StepFailed
from cloud_provisioner.admin.tables import counted, gigabytes
from cloud_provisioner.daemon.places import own_limits
from cloud_provisioner.drivers.contract import Account, Offer, Probing
from cloud_provisioner.planning.places import Flavor, Limits
from cloud_provisioner.servers import passing
from cloud_provisioner.sites.base import Site


@dataclass
class Reading:
    """The reading steps on one account. `flavor` is the name of the one to boot, None: the cheapest; `clock` epoch seconds."""

    site: Site
    vo: str
    account: Account
    service: str
    flavor: str | None
    report: Report
    found: Flavor | None = field(default=None, init=False)
    """The flavor that a server can be booted with, once its room has been seen."""

    def run(self, now: float) -> bool:
        """All of it, each step whatever became of the one before; whether all worked."""
        before = len(self.report.failed)
        if isinstance(self.account, Probing):
            for probe in self.account.probe(self.vo):
                with self.report.step(probe.name) as step:
                    step.found = probe.run()
        with self.report.step("quota") as step:
            step.found = self._quota()
        with self.report.step("list") as step:
            step.found = self._list(now)
        return len(self.report.failed) == before

    def _quota(self) -> str:
        offer = self.account.offer()
        chosen = _chosen(offer, self.flavor)
        limits, used = _limits(offer, own_limits(self.site))
        size = chosen.size
        rows = (
            ("servers", offer.used_servers, 1, limits.servers),
            ("cores", used[0], size.cpus, limits.cores),
            ("MB of memory", used[1], size.memory, limits.memory),
        )
        for what, taken, more, limit in rows:
            if limit is not None and taken + more > limit:
                says = f"{taken} of {limit} {what} are in use, one {chosen.name} needs {more} more"
                raise StepFailed(f"There is no room: {says}. Free some, or raise the quota or `limits`.")
        self.found = chosen
        room = ", ".join(f"{taken} of {limit} {what}" for what, taken, _, limit in rows if limit is not None)
        what = f"{chosen.name} ({counted(size.cpus, 'core')}, {gigabytes(size.memory):g} GB)"
        notes = f"; {' '.join(offer.notes)}" if offer.notes else ""
        return f"room for one {what}; in use: {room or 'no limit is known'}{notes}"

    def _list(self, now: float) -> str:
        view = self.account.listing(now)
        if not view.complete:
            raise StepFailed("The list of servers is not complete: a part of the cloud does not answer.")
        there = [server for servers in view.servers.values() for server in servers]
        ours = [server for server in there if server.service == self.service]
        left = [
            server
            for server in there
            if server.service == passing.service_of(self.service) and passing.is_over(server.uuid, now)
        ]
        for server in left:
            self.account.delete(server.cloud_id)
        says = f"{counted(len(there), 'server')} of provisioners, {len(ours)} of them ours"
        return f"{says}; {len(left)} left over from earlier checks are deleted" if left else says


def _chosen(offer: Offer, name: str | None) -> Flavor:
    """The flavor of that name, or the cheapest. StepFailed."""
    notes = f" {' '.join(offer.notes)}" if offer.notes else ""
    if not offer.flavors:
        raise StepFailed(f"There is no flavor that can be used.{notes}")
    if name is None:
        return min(offer.flavors, key=lambda one: (one.preemptible, one.price, one.size, one.name))
    found = next((one for one in offer.flavors if one.name == name), None)
    if found is None:
        there = ", ".join(one.name for one in offer.flavors)
        raise StepFailed(f"The flavor {name} cannot be used here; these can: {there}.{notes}")
    return found


def _limits(offer: Offer, own: Limits) -> tuple[Limits, tuple[int, int]]:
    """The lower of the cloud's and the admin's limits, and the cores and memory in use, by whomever."""

    def lower(cloud: int | None, ours: int | None) -> int | None:
        return min((one for one in (cloud, ours) if one is not None), default=None)

    cloud = offer.limits
    least = Limits(lower(cloud.servers, own.servers), lower(cloud.cores, own.cores), lower(cloud.memory, own.memory))
    return least, (offer.used.cpus, offer.used.memory)
