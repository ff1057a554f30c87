"""Requests made from the API's own description, against a running server, and each answer held to the description.

What the description cannot say is put right before sending: numbers without a fraction are sent as integers, and a range with
its smaller number first. The answers are checked as closed: a field that the description does not name is a failure, though
clients must let it pass.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

REFUSALS = ["400", "401", "403", "404", "409", "413", "414", "429", "503"]
"""Statuses that a well-formed request may get: rules that no schema can say, what is not offered, no token, too much."""
_RANGES = ("cpusRange", "totalCpusRange")


@dataclass
class Outcome:
    """What came of a run: answers by operation and status, failures by what they say, the slowest answer in seconds."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    reproductions: dict[str, str] = field(default_factory=dict)
    slowest: float = 0.0
    slowest_operation: str = ""

    @property
    def cases(self) -> int:
        """Requests that were answered."""
        return self.answers.total()

    def server_errors(self) -> int:
        """Answers of 500 and above, but for 503, which says that something behind the API is down."""
        return sum(count for (_, status), count in self.answers.items() if status >= 500)


def closed(description: dict[str, Any]) -> dict[str, Any]:
    """The description with objects that may have no fields but those it names."""
    strict = copy.deepcopy(description)
    for schema in strict["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return strict


def without_following(description: dict[str, Any]) -> dict[str, Any]:
    """The description without the parameter that makes an answer last as long as its job: here no job ever ends."""
    finite = copy.deepcopy(description)
    for operation in (operation for methods in finite["paths"].values() for operation in methods.values()):
        kept = [parameter for parameter in operation.get("parameters", ()) if parameter["name"] != "follow"]
        operation["parameters"] = kept
    return finite


def repaired(value: Any) -> Any:
    """A generated document with what its schema could not say put right."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [repaired(entry) for entry in value]
    if isinstance(value, dict):
        made = {key: repaired(entry) for key, entry in value.items()}
        for name in _RANGES:
            if isinstance(made.get(name), list) and all(isinstance(number, int) for number in made[name]):
                made[name] = sorted(made[name])
        return made
    return value


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Repairs each body that is about to be sent."""
    return repaired(body)


def run(
    description: dict[str, Any], url: str, token: str | None, examples: int, seed: int, systematic: bool = True
) -> Outcome:
    """Sends up to `examples` generated requests for each operation, beside systematic ones, as the owner of `token`."""
    settings: dict[str, Any] = {
        "base-url": url,
        "seed": seed,
        "continue-on-failure": True,
        "suppress-health-check": ["all"],
        "request-timeout": 60,
        "phases": {"coverage": {"enabled": systematic}},
        "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
        "checks": {
            # An address that is too long is refused before the API sees it, whatever is wrong with it.
            "negative_data_rejection": {"expected-statuses": ["400", "401", "403", "404", "405", "414", "429", "503"]},
            "positive_data_acceptance": {"expected-statuses": ["2xx", *REFUSALS]},
            # An address that is one of its own, such as /data/upload, is also one of those of /data/{name}.
            "allow_header_conformance": {"enabled": False},
            # A deleted job can still be described, and a deleted or unknown one is an empty list: the contract has it so.
            "use_after_free": {"enabled": False},
            "ensure_resource_availability": {"enabled": False},
        },
    }
    if token is not None:
        settings["headers"] = {"Authorization": f"Bearer {token}"}
    config = SchemathesisConfig.from_dict(settings)
    checked = without_following(closed(description))
    outcome = Outcome()
    for event in from_schema(schemathesis.openapi.from_dict(checked, config=config)).execute():
        _take(outcome, event)
    return outcome


def _take(outcome: Outcome, event: events.EngineEvent) -> None:
    if isinstance(event, events.ScenarioFinished):
        _take_scenario(outcome, event)
    elif isinstance(event, events.NonFatalError) and "can never generate" not in event.info.message:
        # The exception is Hypothesis' limit of a text's length, which a refusal of more than 100,000 characters is beyond.
        outcome.failures[f"{event.label}: {event.info.title}: {event.info.message}"] += 1
    elif isinstance(event, events.FatalError):
        raise event.exception


def _take_scenario(outcome: Outcome, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    for number, interaction in recorder.interactions.items():
        node = recorder.cases.get(number)
        if interaction.response is None or node is None:
            continue
        label = node.value.operation.label
        outcome.answers[label, interaction.response.status_code] += 1
        if interaction.response.elapsed > outcome.slowest:
            outcome.slowest, outcome.slowest_operation = interaction.response.elapsed, label
    for number, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                label = recorder.cases[number].value.operation.label
                title = f"{label}: {check.name}: {check.failure_info.failure.title}"
                outcome.failures[title] += 1
                outcome.reproductions.setdefault(
                    title, f"{check.failure_info.failure.message}\n{check.failure_info.code_sample}"
                )
