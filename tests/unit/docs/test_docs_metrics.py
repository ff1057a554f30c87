"""Every metric is documented, and nothing else."""

from __future__ import annotations

from prometheus_client.metrics import MetricWrapperBase

from api import metrics
from api.notifications.outbox import Outbox
from api.notifications.readings import readings
from api.records.schema import open_database
from cloud_provisioner.metrics import Metrics
from tests.unit.docs.reference import compare, names

FILE = "metrics.md"
HEADING = "Metrics of the REST API"


def test_every_metric_of_the_rest_api_is_documented_with_its_labels() -> None:
    collectors = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    described = [metric for collector in collectors for metric in collector.describe()]
    there = [f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in described]
    compare(f"{FILE}, {HEADING}", names(FILE, HEADING), there)


def test_every_metric_of_messages_is_documented() -> None:
    there = [name for name, _, _ in readings(Outbox(open_database("sqlite:////nowhere")), lambda: 0.0)]
    compare(f"{FILE}, Metrics of messages", names(FILE, "Metrics of messages"), there)


def test_every_metric_of_the_provisioner_is_documented() -> None:
    described = list(Metrics().registry.collect())
    there = [f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in described]
    compare(f"{FILE}, Metrics of the provisioner", names(FILE, "Metrics of the provisioner"), there)
