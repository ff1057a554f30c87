"""Requests made from the API's own description, and real answers held to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
import requests

from api.openapi.document import PREFIX, document
from api.openapi.operations import OPERATIONS
from deploy import service
from deploy.instance import Instance
from tests.fuzz import fuzzing

pytestmark = pytest.mark.timeout(300)

EXAMPLES = 15
SEED = 1


def test_generated_requests_get_the_answers_that_are_described(expendable: Instance) -> None:
    token = service.mint(expendable.settings, expendable.home, "fuzz", [], [], 3600)
    outcome = fuzzing.run(
        document(OPERATIONS, PREFIX), expendable.settings.url, token, EXAMPLES, SEED, systematic=False
    )
    assert outcome.failures == {}, outcome.reproductions
    assert outcome.server_errors() == 0
    assert outcome.cases >= 500
    assert outcome.answers["POST /jobs", 201] > 0


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30])
def test_an_id_that_no_job_can_have_is_that_of_no_job(expendable: Instance, number: int) -> None:
    session = requests.Session()
    session.headers["Authorization"] = (
        f"Bearer {service.mint(expendable.settings, expendable.home, 'fuzz', [], [], 3600)}"
    )
    operations = [operation for operation in OPERATIONS if "{id}" in operation.path]
    answers = {
        operation.name: session.request(
            operation.method, expendable.settings.url + operation.path.replace("{id}", str(number)), timeout=30
        ).status_code
        for operation in operations
    }
    assert answers == {name: 200 if name in ("get_jobs_id", "get_workflows_id") else 400 for name in answers}


def test_a_job_from_its_creation_to_its_end_is_shown_as_described(user: Callable[..., Any]) -> None:
    described = fuzzing.closed(document(OPERATIONS, PREFIX))
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/ShownJob"}, "maxItems": 1}
    shown = jsonschema_rs.validator_for({**schema, "components": described["components"]})
    alice = user()
    number = alice.submit("echo hello", name="a/b", labels={"x": "1"})
    shown.validate(alice.call("GET", f"/jobs/{number}").json())
    alice.wait(number)
    last = alice.call("GET", f"/jobs/{number}").json()
    shown.validate(last)
    events = {"type": "array", "items": {"$ref": "#/components/schemas/Event"}, "components": described["components"]}
    jsonschema_rs.validate(events, alice.call("GET", f"/jobs/{number}/events").json())
    assert last[0]["execution"]["tasks"][0]["exitCode"] == 0
