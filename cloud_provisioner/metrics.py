"""What Prometheus is told of the provisioner."""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.planning.reasons import Reason, Waiting
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.servers.states import State

_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_BOOT_SECONDS = (2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = made = CollectorRegistry()
        self.acting = Gauge(
            "prominence_provisioner_acting",
            "1 while this provisioner holds the lease, 0 while another does.",
            registry=made,
        )
        self.cycle_seconds = Histogram(
            "prominence_provisioner_cycle_seconds", "Time that a cycle took.", buckets=_SECONDS, registry=made
        )
        self.observed = Gauge(
            "prominence_provisioner_observed_timestamp_seconds",
            "When the queue and the workers were last seen whole, epoch seconds; NaN while this provisioner does not act.",
            registry=made,
        )
        self.failed_cycles = Counter(
            "prominence_provisioner_failed_cycles_total",
            "Cycles that could not be finished, by error.",
            ("error",),
            registry=made,
        )
        self.creates = Counter(
            "prominence_provisioner_creates_total", "Servers that were asked for, by site.", ("site",), registry=made
        )
        self.leaks = Counter(
            "prominence_provisioner_leaks_total",
            "Servers without a record that were deleted, by site.",
            ("site",),
            registry=made,
        )
        self.failures = Counter(
            "prominence_provisioner_failures_total", "Failures of servers, by class.", ("failure",), registry=made
        )
        self.boot_seconds = Histogram(
            "prominence_provisioner_boot_seconds",
            "From the decision for a server to its worker in the pool.",
            buckets=_BOOT_SECONDS,
            registry=made,
        )
        self.servers = Gauge(
            "prominence_provisioner_servers",
            "Servers with a record, by site and state.",
            ("site", "state"),
            registry=made,
        )
        self.deleting_oldest = Gauge(
            "prominence_provisioner_deleting_oldest_seconds",
            "For how long the first of the servers that are being deleted has been, by site; 0 where there is none.",
            ("site",),
            registry=made,
        )
        self.waiting = Gauge(
            "prominence_provisioner_waiting_jobs", "Idle jobs, by the code of their reason.", ("reason",), registry=made
        )
        self.site_usable = Gauge(
            "prominence_provisioner_site_usable",
            "1 while a site that ought to take servers can, 0 while it cannot.",
            ("site",),
            registry=made,
        )
        self.undeletable = Gauge(
            "prominence_provisioner_undeletable_servers",
            "Servers that nobody has the right to delete any more, by site.",
            ("site",),
            registry=made,
        )
        self.problems = Gauge(
            "prominence_provisioner_site_problems", "Problems of the descriptions of sites.", registry=made
        )
        for failure in Failure:
            # A count that appears with the first failure would show no growth.
            self.failures.labels(failure.value)
        self.stand_by()

    def act(self, now: float) -> None:
        """This process begins to act. Its first look at the pool is still to come: it is late from now on."""
        self.acting.set(1)
        self.observed.set(now)

    def stand_by(self) -> None:
        """This process does not act: what another one tells now is not told here, too."""
        self.acting.set(0)
        self.observed.set(math.nan)
        for told in (self.servers, self.deleting_oldest, self.waiting, self.site_usable, self.undeletable):
            told.clear()

    def set_servers(self, intents: Iterable[Intent], sites: Iterable[str], now: float) -> None:
        """Takes the servers that there are. `sites` are those that are known: they are told of without a server, too."""
        intents = tuple(intents)
        found = Tally((cloud_of(intent.site), intent.state) for intent in intents)
        named = {*sites, *(site for site, _ in found)}
        _replace(self.servers, {(site, state.value): found[site, state] for site in named for state in State})
        ages = dict.fromkeys(named, 0.0)
        for intent in intents:
            if intent.state is State.DELETING:
                site = cloud_of(intent.site)
                ages[site] = max(ages[site], now - intent.since)
        _replace(self.deleting_oldest, {(site,): age for site, age in ages.items()})

    def set_usable(self, sites: Mapping[str, bool]) -> None:
        """Takes which sites can take servers, of those that ought to."""
        _replace(self.site_usable, {(site,): fine for site, fine in sites.items()})

    def set_undeletable(self, left: Iterable[str], sites: Iterable[str]) -> None:
        """Takes the sites of servers that nobody can delete, once for each server; `sites` are those that are known."""
        found = Tally(left)
        _replace(self.undeletable, {(site,): found[site] for site in {*sites, *found}})

    def set_waiting(self, reasons: Iterable[Waiting]) -> None:
        """Takes how many jobs wait, and why."""
        found: Tally[Reason] = Tally()
        for one in reasons:
            found[one.reason] += one.count
        for reason in Reason:
            self.waiting.labels(reason.value).set(found[reason])


def _replace(gauge: Gauge, values: Mapping[tuple[str, ...], float]) -> None:
    """Gives `gauge` these values by labels, and no others. It is never empty in between: somebody may just be asking."""
    shown = {tuple(sample.labels.values()) for metric in gauge.collect() for sample in metric.samples}
    for labels in shown - values.keys():
        gauge.remove(*labels)
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
