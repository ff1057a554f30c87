"""Every metric is documented, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from api import metrics
from api.notifications.outbox import Outbox
from api.notifications.readings import readings
from api.records.departed import Departed
from api.records.readings import readings as record_readings
from api.records.schema import open_database
from cloud_provisioner.metrics import Metrics
from pool.history_files import HistoryFiles
from tests.unit.docs.reference import ROOT, code, compare, headings, names, rows

FILE = "metrics.md"
HEADING = "Metrics of the REST API"


def test_every_metric_of_the_rest_api_is_documented_with_its_labels() -> None:
    collectors = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    described = [metric for collector in collectors for metric in collector.describe()]
    there = [f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in described]
    compare(f"{FILE}, {HEADING}", names(FILE, HEADING), there)


def test_every_metric_of_the_recorder_is_documented() -> None:
    departed = Departed(HistoryFiles(Path("/nowhere")), Path("/nowhere"))
    there = [name for name, _, _ in record_readings(departed, lambda: 0.0)]
    compare(f"{FILE}, Metrics of the recorder", names(FILE, "Metrics of the recorder"), there)


def test_every_metric_of_messages_is_documented() -> None:
    there = [name for name, _, _ in readings(Outbox(open_database("sqlite:////nowhere")), lambda: 0.0)]
    compare(f"{FILE}, Metrics of messages", names(FILE, "Metrics of messages"), there)


@pytest.mark.parametrize("heading", [heading for heading in headings(FILE) if heading.startswith("Metrics of ")])
def test_what_is_worth_an_alert_has_one_and_nothing_else_has(heading: str) -> None:
    worthy = {code(row[0])[0] for row in rows(FILE, heading) if row[-1] != "none"}
    alerts = yaml.safe_load((ROOT / "deploy" / "monitoring" / "alerts.yaml").read_text())["groups"]
    asked = " ".join(rule["expr"] for group in alerts for rule in group["rules"])
    alerted = {re.sub(r"_(bucket|count)$", "", name) for name in re.findall(r"prominence_[a-z_]+", asked)}
    assert worthy == alerted & set(names(FILE, heading))


def test_every_alert_is_among_those_that_the_manual_explains() -> None:
    groups = yaml.safe_load((ROOT / "deploy" / "monitoring" / "alerts.yaml").read_text())["groups"]
    there = [rule["alert"] for group in groups for rule in group["rules"]]
    manual = (ROOT / "docs" / "monitoring.md").read_text()
    compare("../monitoring.md", re.findall(r"^\| `(Prominence\w+)` \|", manual, re.MULTILINE), there)


def test_every_metric_of_the_provisioner_is_documented() -> None:
    described = list(Metrics().registry.collect())
    there = [f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in described]
    compare(f"{FILE}, Metrics of the provisioner", names(FILE, "Metrics of the provisioner"), there)
