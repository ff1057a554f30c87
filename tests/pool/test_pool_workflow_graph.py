"""The graph of a real workflow: what runs is marked while it runs, and what became of it is told after its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.pool.conftest import User, job

SECONDS = 90.0


def until(user: User, number: int, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The graph, once it is as wanted."""
    deadline = time.monotonic() + SECONDS
    while True:
        graph = user.call("GET", f"/workflows/{number}/graph").json()
        if wanted(graph):
            return dict(graph)
        assert time.monotonic() < deadline, graph
        time.sleep(0.2)


def submitted(user: User, document: dict[str, Any]) -> int:
    answer = user.call("POST", "/workflows", json=document)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def states(graph: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {node["name"]: {state: count for state, count in node["states"].items() if count} for node in graph["nodes"]}


def test_a_graph_marks_what_runs_and_remembers_what_became_of_it(user: Callable[..., User]) -> None:
    alice = user()
    number = submitted(
        alice,
        {
            "name": "graph",
            "jobs": [
                job("sh -c 'test $x -lt 1 || exec sleep 300'", name="a b"),
                job("true", name="a/b"),
            ],
            "factories": [
                {
                    "type": "parameterSweep",
                    "jobs": ["a b"],
                    "parameters": [{"name": "x", "start": 0, "end": 1, "step": 1}],
                }
            ],
            "dependencies": {"a b": ["a/b"]},
        },
    )
    running = until(alice, number, lambda graph: states(graph)["a b"] == {"done": 1, "running": 1})
    assert states(running)["a/b"] == {"waiting": 1}
    assert [node["state"] for node in running["nodes"]] == ["running", "waiting"]
    assert running["edges"] == [{"from": "a b", "to": "a/b"}]
    drawing = alice.call("GET", f"/workflows/{number}/graph", headers={"Accept": "image/svg+xml"})
    assert b'data-state="running"' in drawing.content

    assert alice.describe(running["nodes"][0]["id"] + 1)["name"] == "graph/a b/1"

    assert alice.call("DELETE", f"/workflows/{number}").status_code == 200
    over = until(alice, number, lambda graph: graph["status"] == "deleted")
    assert states(over) == {"a b": {"done": 1, "failed": 1}, "a/b": {"waiting": 1}}
    assert alice.call("PUT", f"/workflows/{number}").status_code == 201
