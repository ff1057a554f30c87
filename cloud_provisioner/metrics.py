"""What Prometheus is told of the provisioner."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.planning.reasons import Reason, Waiting
from cloud_provisioner.servers.record import Intent

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
            "When the queue and the workers were last seen whole, epoch seconds.",
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
        self.waiting = Gauge(
            "prominence_provisioner_waiting_jobs", "Idle jobs, by the code of their reason.", ("reason",), registry=made
        )
        self.site_usable = Gauge(
            "prominence_provisioner_site_usable",
            "1 while a site answers and accepts its credential.",
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

    def set_servers(self, intents: Iterable[Intent]) -> None:
        """Takes how many servers there are."""
        found = Tally((cloud_of(intent.site), intent.state) for intent in intents)
        self.servers.clear()
        for (site, state), number in found.items():
            self.servers.labels(site, state.value).set(number)

    def set_waiting(self, reasons: Iterable[Waiting]) -> None:
        """Takes how many jobs wait, and why."""
        found: Tally[Reason] = Tally()
        for one in reasons:
            found[one.reason] += one.count
        for reason in Reason:
            self.waiting.labels(reason.value).set(found[reason])
