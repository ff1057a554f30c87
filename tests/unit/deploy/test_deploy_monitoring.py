"""Alerts and dashboard ask for metrics and labels that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api import metrics as api_metrics
from api.notifications.outbox import Outbox
from api.notifications.readings import readings as mail_readings
from api.records.departed import Departed
from api.records.readings import readings as record_readings
from api.records.schema import open_database
from cloud_provisioner.metrics import Metrics
from cloud_provisioner.planning.reasons import Reason
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.states import State
from pool.history_files import HistoryFiles
from tests.unit.docs.reference import code, rows

FOLDER = Path(__file__).parents[3] / "deploy" / "monitoring"
ALERTS = [rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana.json").read_text())
_METRIC = re.compile(r"prominence_[a-z_]+")
_LABEL = re.compile(r"{{ ?(?:\$labels\.)?([a-z]+) ?}}")
_SELECTOR = re.compile(r"(prominence_[a-z_]+){([^}]*)}")
_CONDITION = re.compile(r'(\w+)(?:=~|!~|!=|=)"([^"]*)"')
_VALUES: dict[str, set[str]] = {
    "reason": {reason.value for reason in Reason},
    "failure": {failure.value for failure in Failure},
    "state": {state.value for state in State},
    "code": {
        name for part in ("api", "pool") for row in rows("errors.md", f"Classes of {part}") for name in code(row[1])
    }
    | {name for row in rows("errors.md", "Other codes of answers") for name in code(row[0])},
}
"""Labels whose values are a fixed set."""


def known() -> dict[str, tuple[str, ...]]:
    """Each series that there is, with its labels."""
    made = Metrics()
    wrappers = [*vars(made).values(), *vars(api_metrics).values()]
    outbox = Outbox(open_database("sqlite:////nowhere"))
    departed = Departed(HistoryFiles(Path("/nowhere")), Path("/nowhere"))
    looks = (*mail_readings(outbox, lambda: 0.0), *record_readings(departed, lambda: 0.0))
    found: dict[str, tuple[str, ...]] = {name: () for name, _, _ in looks}
    for one in wrappers:
        for metric in one.describe() if hasattr(one, "describe") and hasattr(one, "_labelnames") else ():
            labels = tuple(one._labelnames)
            suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(metric.type, ("",))
            found |= {metric.name + suffix: labels for suffix in suffixes}
    return found


KNOWN = known()


def expressions() -> Iterator[tuple[str, str, str]]:
    """Where an expression stands, the expression, and the text that shows its labels."""
    for rule in ALERTS:
        yield rule["alert"], rule["expr"], " ".join(rule["annotations"].values())
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]


@pytest.mark.parametrize(("where", "expression", "shown"), list(expressions()))
def test_every_expression_asks_for_what_there_is(where: str, expression: str, shown: str) -> None:
    asked = _METRIC.findall(expression)
    assert asked
    assert set(asked) <= KNOWN.keys()
    labels = {label for name in asked for label in KNOWN[name]}
    assert set(_LABEL.findall(shown)) <= labels
    grouped = {label.strip() for by in re.findall(r"by \(([^)]*)\)", expression) for label in by.split(",")}
    assert grouped <= labels | {"le"}


@pytest.mark.parametrize(("where", "expression", "shown"), list(expressions()))
def test_every_selection_is_by_labels_and_values_that_there_are(where: str, expression: str, shown: str) -> None:
    for name, conditions in _SELECTOR.findall(expression):
        for label, pattern in _CONDITION.findall(conditions):
            assert label in KNOWN[name]
            if label in _VALUES:
                assert set(pattern.split("|")) <= _VALUES[label]


def test_routes_that_are_selected_are_routes_of_the_api() -> None:
    routes = [f"/prominence/v1{path}" for row in rows("rest-api.md", "Routes") for path in [code(row[0])[0].split()[1]]]
    expressed = " ".join(expression for _, expression, _ in expressions())
    for _, pattern in re.findall(r'(route)(?:=~|!~)"([^"]*)"', expressed):
        assert any(re.fullmatch(pattern, route) for route in routes), pattern
        assert not all(re.fullmatch(pattern, route) for route in routes), pattern


def test_every_alert_says_what_to_do() -> None:
    assert all(rule["annotations"]["summary"] and rule["annotations"]["description"] for rule in ALERTS)
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)


def test_panels_do_not_lie_over_each_other() -> None:
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
