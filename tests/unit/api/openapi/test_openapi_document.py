"""The description names what the application answers at, all of it and nothing else, and is a valid OpenAPI document."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from openapi_spec_validator import validate

from api.openapi.addresses import addresses, template
from api.openapi.document import PREFIX, document
from api.openapi.operation import Operation
from api.openapi.operations import OPERATIONS
from tests.unit.api.openapi.conftest import Server


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(OPERATIONS, PREFIX)


def test_every_rule_has_an_operation_and_every_operation_a_rule(server: Server) -> None:
    there = addresses(server.app.url_map, PREFIX)
    known = {(operation.method, template(operation.path)) for operation in OPERATIONS}
    assert sorted(there - known) == [], "describe these in api/openapi/operations"
    assert sorted(known - there) == [], "nothing answers there"


def test_outside_of_the_prefix_there_are_only_the_description_and_the_metrics(server: Server) -> None:
    outside = {rule.rule for rule in server.app.url_map.iter_rules() if not rule.rule.startswith(f"{PREFIX}/")}
    assert outside == {"/openapi.json", "/docs", "/metrics"}


def test_the_document_is_valid(described: dict[str, Any]) -> None:
    validate(described)


def test_addresses_with_other_names_for_their_parameters_are_not_other_addresses() -> None:
    paths = {operation.path for operation in OPERATIONS}
    assert len(paths) == len({template(path) for path in paths})


def test_names_of_operations_are_unique() -> None:
    assert [name for name, count in Counter(operation.name for operation in OPERATIONS).items() if count > 1] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_is_described_in_full(operation: Operation) -> None:
    in_path = {parameter.name for parameter in operation.parameters if parameter.place == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", operation.path))
    assert operation.summary[0].isupper()
    assert not operation.summary.endswith(".")
    for text in [parameter.says for parameter in operation.parameters] + [
        reply.says for reply in operation.answers().values()
    ]:
        assert text.endswith((".", "like."))
    if operation.tokens:
        assert {401, 429, 503} <= set(operation.answers())


def test_the_description_is_served_to_everybody_at_two_places(server: Server, described: dict[str, Any]) -> None:
    for place in ("", PREFIX):
        answer = server.client().get(f"{place}/openapi.json")
        assert answer.status_code == 200
        assert answer.json is not None
        assert answer.json["paths"] == described["paths"]
        assert answer.json["components"] == described["components"]


def test_the_description_is_sent_once_to_a_browser_that_has_it(server: Server) -> None:
    first = server.client().get(f"{PREFIX}/openapi.json")
    again = server.client().get(f"{PREFIX}/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
