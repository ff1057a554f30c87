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
from cloud_provisioner.metrics import Metrics

FOLDER = Path(__file__).parents[3] / "deploy" / "monitoring"
ALERTS = [rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana.json").read_text())
_METRIC = re.compile(r"prominence_[a-z_]+")
_LABEL = re.compile(r"{{ ?(?:\$labels\.)?([a-z]+) ?}}")


def known() -> dict[str, tuple[str, ...]]:
    """Each series that there is, with its labels."""
    made = Metrics()
    wrappers = [*vars(made).values(), *vars(api_metrics).values()]
    found: dict[str, tuple[str, ...]] = {}
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
    assert set(re.findall(r"by \((\w+)\)", expression)) <= labels | {"le"}


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
