"""Requests made from the API's own description, and real answers held to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import requests

from api.openapi.document import PREFIX, document
from api.openapi.operations import OPERATIONS
from deploy import service
from deploy.home import from_environment
from deploy.instance import Instance
from tests.fuzz import fuzzing

pytestmark = pytest.mark.timeout(300)

PORT = 18500
EXAMPLES = 15
SEED = 1


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance without workers: what is created waits, and goes with it."""
    home = Path(tmp_path_factory.mktemp("fuzz", numbered=True))
    for folder in (home, home.parent, home.parent.parent):
        folder.chmod(0o711)
    running = Instance(replace(from_environment(os.environ), home=home / "home", port=PORT, workers=0))
    try:
        running.start(print)
        yield running
    finally:
        running.clean()


def test_generated_requests_get_the_answers_that_are_described(idle: Instance) -> None:
    token = service.mint(idle.settings, idle.home, "fuzz", [], [], 3600)
    outcome = fuzzing.run(document(OPERATIONS, PREFIX), idle.settings.url, token, EXAMPLES, SEED, systematic=False)
    assert outcome.failures == {}, outcome.reproductions
    assert outcome.server_errors() == 0
    assert outcome.cases >= 500
    assert outcome.answers["POST /jobs", 201] > 0


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30])
def test_an_id_that_no_job_can_have_is_that_of_no_job(idle: Instance, number: int) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {service.mint(idle.settings, idle.home, 'fuzz', [], [], 3600)}"
    operations = [operation for operation in OPERATIONS if "{id}" in operation.path]
    answers = {
        operation.name: session.request(
            operation.method, idle.settings.url + operation.path.replace("{id}", str(number)), timeout=30
        ).status_code
        for operation in operations
    }
    assert answers == {name: 200 if name == "get_jobs_id" else 400 for name in answers}


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
