"""What the application really answers is what its description says, with no field that the description does not know."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from werkzeug.test import TestResponse

from api.documents.answers import Answer, Progress, ShownJob
from api.documents.answers_data import Workers
from api.jobs import view
from api.jobs.progress import SENTENCES, progress
from api.openapi.document import PREFIX, document
from api.openapi.operations import OPERATIONS
from api.resources import existing
from tests.fuzz.fuzzing import closed
from tests.unit.api.jobs.test_jobs_view import REPORT, started
from tests.unit.api.openapi.conftest import Server

DESCRIBED = closed(document(OPERATIONS, PREFIX))
JOB = {"resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "busybox"}]}


def check(answer: TestResponse, method: str, path: str) -> None:
    """The answer has a status, a media type and a content that the description has for the operation."""
    replies = DESCRIBED["paths"][path][method.lower()]["responses"]
    assert str(answer.status_code) in replies
    contents = replies[str(answer.status_code)].get("content", {})
    if not contents:
        assert answer.data == b""
        return
    assert answer.mimetype in contents
    if answer.mimetype == "application/json":
        schema = {**contents[answer.mimetype]["schema"], "components": DESCRIBED["components"]}
        jsonschema_rs.validate(schema, json.loads(answer.data))


def test_refused_documents_conform(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.token('ada')}"}
    for body in (b"", b"{", b"[]", b"{}", json.dumps({**JOB, "name": "\n"}).encode(), b" " * 5 * 2**20):
        answer = server.client().post(f"{PREFIX}/jobs", data=body, headers=headers)
        assert answer.status_code == 400
        check(answer, "POST", "/jobs")


@pytest.mark.parametrize("operation", [entry for entry in OPERATIONS if entry.tokens], ids=lambda entry: entry.name)
def test_without_a_token_every_operation_with_one_answers_401(server: Server, operation: Any) -> None:
    path = operation.path.replace("{id}", "1").replace("{", "").replace("}", "")
    answer = server.client().open(f"{PREFIX}{path}", method=operation.method)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    check(answer, operation.method, operation.path)


def test_without_a_pool_answers_conform(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.token('ada')}"}
    health = server.client().get(f"{PREFIX}/health")
    assert health.status_code == 409
    check(health, "GET", "/health")
    for path, place in (("/jobs", "/jobs"), ("/jobs/1", "/jobs/{id}"), ("/jobs/1/stdout", "/jobs/{id}/stdout")):
        answer = server.client().get(f"{PREFIX}{path}", headers=headers)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        check(answer, "GET", place)


def test_an_id_that_is_no_number_is_no_address(server: Server) -> None:
    check(server.client().get(f"{PREFIX}/jobs/one"), "GET", "/jobs/{id}")


def whole(model: type[Answer], shown: Any) -> None:
    """The model accepts what is shown and knows all of it."""
    text = json.dumps(shown)
    assert model.model_validate_json(text).model_dump(mode="json", by_alias=True, exclude_unset=True) == json.loads(
        text
    )


@pytest.mark.parametrize("detail", [False, True])
@pytest.mark.parametrize(
    ("ad", "report"), [(started(2), None), (started(4), None), (started(4), REPORT), (started(4), {"nodes": 1})]
)
def test_a_job_as_shown_is_known_in_full(ad: dict[str, Any], report: dict[str, Any] | None, detail: bool) -> None:
    whole(ShownJob, view.job(ad, report, detail))


def test_a_running_job_as_shown_is_known_in_full() -> None:
    said = {"phase": "pullingImage", "since": 1003.5, "task": 0, "item": "busybox", "percent": 40}
    saved = {"restored": 1.0, "saved": 1, "lastSaved": 2.5, "size": 3, "warning": "No."}
    report = {"nodes": [{**REPORT["nodes"][0], "checkpoint": saved}]}
    whole(ShownJob, view.job(started(2), report, True, progress(said, 1000.0)))
    for phase in SENTENCES:
        Progress.model_validate_json(json.dumps({**said, "phase": phase}))


def test_workers_as_shown_are_known_in_full() -> None:
    machines = [{"Cpus": 1, "Memory": 512, "TotalSlotCpus": 4, "TotalSlotMemory": 2048}, {}]
    whole(Workers, {"existing": existing(machines, "ada", "users")})
