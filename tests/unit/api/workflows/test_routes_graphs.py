"""`/workflows/<id>/graph`: which format comes, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import errors
from api.routes import graphs
from api.workflows.errors import NoSuchWorkflow
from api.workflows.graph.service import Graphs
from api.workflows.plan import Part, Plan
from identity.caller import Caller
from pool.dagman import STATES_FILE

STEM = "0ee84ee9ea3849bb88da8968"
ADA = Caller("ada", "https://issuer.example", "ada", ("vo",))
PLAN = Plan(f"{STEM}ffffffff", "flow", (Part("a", 0, {}, {"type": "repeat", "number": 3}), Part("b", 3, {})), ((0, 1),))
LARGE = Plan(f"{STEM}ffffffff", "", tuple(Part(f"job{index}", index, {}) for index in range(10_000)))
PLANS = {7: ({"JobStatus": 2}, PLAN), 8: ({"JobStatus": 3, "RemoveReason": "x"}, PLAN), 9: ({"JobStatus": 2}, LARGE)}


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    folder = tmp_path / PLAN.submission
    folder.mkdir()
    lines = [f"1 {STEM}{number:08x} {event} 1.0 - - 1\n" for number in (0, 1) for event in ("SUBMIT", "EXECUTE")]
    (folder / STATES_FILE).write_text("".join(lines))

    def planned(number: int, caller: Caller) -> Any:
        assert caller is ADA
        if number not in PLANS:
            raise NoSuchWorkflow(f"There is no workflow {number}.")
        return PLANS[number]

    app = Flask("graphs")
    errors.register(app)
    app.register_blueprint(graphs.blueprint(Graphs(planned, tmp_path), lambda: ADA))
    return app.test_client()


def test_json_tells_how_instances_stand_now(client: FlaskClient) -> None:
    answer = client.get("/workflows/7/graph")
    assert answer.json is not None
    assert answer.json["status"] == "running"
    assert [node["states"]["running"] for node in answer.json["nodes"]] == [2, 0]
    assert answer.json["edges"] == [{"from": "a", "to": "b"}]


def test_of_a_workflow_that_was_deleted_nothing_runs(client: FlaskClient) -> None:
    answer = client.get("/workflows/8/graph")
    assert answer.json is not None
    assert answer.json["nodes"][0]["states"] == {"waiting": 1, "queued": 0, "running": 0, "done": 0, "failed": 2}


@pytest.mark.parametrize(
    ("query", "accept", "media"),
    [
        ("", None, "application/json"),
        ("", "*/*", "application/json"),
        ("", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("", "image/svg+xml", "image/svg+xml"),
        ("", "text/vnd.graphviz", "text/vnd.graphviz"),
        ("?format=svg", "application/json", "image/svg+xml"),
        ("?format=dot", None, "text/vnd.graphviz"),
        ("?format=json", "image/svg+xml", "application/json"),
    ],
)
def test_the_format_is_the_one_asked_for(client: FlaskClient, query: str, accept: str | None, media: str) -> None:
    answer = client.get(f"/workflows/7/graph{query}", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype) == (200, media)
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/workflows/6/graph", "noSuchWorkflow"),
        ("/workflows/7/graph?format=pdf", "invalidParameter"),
        ("/workflows/9/graph?format=svg", "tooLargeToDraw"),
    ],
)
def test_what_cannot_be_shown_is_a_400_with_a_sentence(client: FlaskClient, path: str, code: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["code"] == code
    assert answer.json["error"].endswith(".")


@pytest.mark.parametrize("form", ["json", "dot"])
def test_what_is_too_large_to_draw_still_comes_as_text(client: FlaskClient, form: str) -> None:
    answer = client.get(f"/workflows/9/graph?format={form}")
    assert answer.status_code == 200
    assert b"job9999" in answer.data
