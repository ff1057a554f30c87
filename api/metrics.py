"""What Prometheus is told of the API. Counts of all processes of a host are added up through files
(`PROMETHEUS_MULTIPROC_DIR`, which whoever starts the processes sets and empties)."""

from __future__ import annotations

import os
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

REQUESTS = Histogram(
    "prominence_request_seconds",
    "Time from the request to its answer, by route and status; a stream counts until it begins.",
    ("method", "route", "status"),
    buckets=_BUCKETS,
)
SUBMISSIONS = Counter("prominence_submissions_total", "Jobs that the queue took.")
WORKFLOWS = Counter("prominence_workflows_total", "Workflows that the queue took.")
REFUSALS = Counter("prominence_refusals_total", "Requests that were refused, by the code in the answer.", ("code",))
POOL_ERRORS = Counter("prominence_pool_errors_total", "Calls to HTCondor that failed, by class of error.", ("error",))
RECORDS_ERRORS = Counter("prominence_records_errors_total", "Calls to the database that failed, by class.", ("error",))
LIMITED = Counter("prominence_rate_limited_total", "Requests refused because their user made too many.")

Reading = tuple[str, str, Callable[[], float]]
"""Name and meaning of a gauge, and a look at its value."""


def exposition(readings: list[Reading]) -> bytes:
    """Everything in Prometheus' text format: the counts of all processes, and `readings` taken now."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        for metric in (REQUESTS, SUBMISSIONS, WORKFLOWS, REFUSALS, POOL_ERRORS, RECORDS_ERRORS, LIMITED):
            registry.register(metric)
    now = CollectorRegistry()
    for name, meaning, look in readings:
        Gauge(name, meaning, registry=now).set(look())
    return generate_latest(registry) + generate_latest(now)
