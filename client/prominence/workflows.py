"""The service's workflows as Python calls: one method for each thing a user may ask about them."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import requests

from prominence.answers import Answers, Described, body, joined, list_parameters
from prominence.errors import NoSuchWorkflow, Refused, WorkflowStillActive
from prominence.jobs import Document
from prominence.transport import Transport
from prominence.watching import watch

MEDIA_TYPES = {"json": "application/json", "dot": "text/vnd.graphviz", "svg": "image/svg+xml"}
"""Formats in which the service gives a workflow's graph."""


class Workflows:
    """The workflows of one user at one service, as `Client.workflows` gives them. Raises what Client raises.

    Ids of workflows are not ids of jobs. What `jobs` gives are jobs as others, to be described, read and deleted by
    `Client` by their ids; `Client.list_jobs(workflow=id)` lists them.
    """

    def __init__(self, transport: Transport, answers: Answers) -> None:
        self._transport = transport
        self._answers = answers

    def create(self, workflow: Described, idempotency_key: str | None = None) -> int:
        """Create a workflow from its description or from a list of jobs, bytes being YAML, and return its id.

        `idempotency_key` as in `Client.create_job`.
        """
        content, headers = body(workflow, "workflow")
        return self._created("POST", "/workflows", idempotency_key, content, headers)

    def rerun(self, workflow_id: int, idempotency_key: str | None = None) -> int:
        """Run what failed and what never ran of a workflow that has ended again; return the id of the new workflow."""
        return self._created("PUT", f"/workflows/{workflow_id}", idempotency_key)

    def clone(self, workflow_id: int, idempotency_key: str | None = None) -> int:
        """Create a workflow with the description of this one and return its id."""
        return self._created("PUT", f"/workflows/{workflow_id}/clone", idempotency_key)

    def select(
        self,
        completed: bool = False,
        num: int | None = None,
        all: bool = False,
        status: str | None = None,
        name: str | None = None,
        constraint: str | None = None,
        ids: Iterable[int] | None = None,
        detail: bool = False,
    ) -> list[Document]:
        """Return the caller's workflows; parameters as those of `Client.list_jobs`."""
        params = list_parameters(completed, num, all, status, name, constraint, ids, detail)
        return self._answers.documents(self._transport.request("GET", "/workflows", params=params))

    def describe(self, workflow_id: int) -> Document:
        """Return all that is known about one workflow, active or finished. Raises NoSuchWorkflow."""
        found = self._answers.documents(self._transport.request("GET", f"/workflows/{workflow_id}"))
        if not found:
            raise NoSuchWorkflow(workflow_id)
        return found[0]

    def delete(self, ids: Iterable[int]) -> None:
        """End workflows and all of their jobs."""
        wanted = joined(ids)
        if wanted:
            self._transport.request("DELETE", "/workflows", params={"id": wanted})

    def graph(self, workflow_id: int) -> Document:
        """Return the jobs of a workflow (`nodes`) with how many instances of each are where, and their order (`edges`)."""
        response = self._graph(workflow_id, "json")
        answer = self._answers.decoded(response)
        if not isinstance(answer, dict) or not _is_graph(answer):
            raise self._answers.unexpected(response)
        return answer

    def drawing(self, workflow_id: int, form: str) -> bytes:
        """Return the graph of a workflow as a file: `form` is `json`, `dot` or `svg`."""
        return self._graph(workflow_id, form).content

    def job_id(self, workflow_id: int, job: str, instance: int | None = None) -> int:
        """Return the id of a job of the workflow by its name and, where it has a factory, its instance (from 0).

        Raises Refused where there is no such job or instance.
        """
        found = [node for node in self.graph(workflow_id)["nodes"] if node["name"] == job]
        if not found:
            raise Refused(
                f"Workflow {workflow_id} has no job {job!r}: `prominence workflow graph {workflow_id}` shows its jobs."
            )
        node, last = found[0], found[0]["instances"] - 1
        if not node.get("factory"):
            if instance is not None:
                raise Refused(f"Job {job!r} has no instances: leave the instance out.")
        elif instance is None or not 0 <= instance <= last:
            raise Refused(f"Job {job!r} has instances: give the number of one, from 0 to {last}.")
        number: int = node["id"] + (instance or 0)
        return number

    def wait(
        self,
        workflow_id: int,
        poll: float = 5.0,
        timeout: float | None = None,
        *,
        created: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Document:
        """Return the workflow's description once it has ended, looking at most every `poll` seconds.

        Raises WorkflowStillActive after `timeout` seconds (None: never), NoSuchWorkflow. `created` as in `Client.watch`.
        """
        looks = self.watch(workflow_id, poll, timeout, created=created, clock=clock, sleep=sleep)
        return deque(looks, maxlen=1).pop()

    def watch(
        self,
        workflow_id: int,
        poll: float = 5.0,
        timeout: float | None = None,
        *,
        created: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[Document]:
        """Yield the workflow's description at every look, until it has ended; as `wait`."""
        return watch(
            self.describe,
            workflow_id,
            poll=poll,
            timeout=timeout,
            created=created,
            clock=clock,
            sleep=sleep,
            late=WorkflowStillActive,
        )

    def _created(
        self,
        method: str,
        path: str,
        key: str | None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> int:
        sent = {**(headers or {}), "Idempotency-Key": key or uuid.uuid4().hex}
        return self._answers.created(self._transport.request(method, path, body=content, headers=sent))

    def _graph(self, workflow_id: int, form: str) -> requests.Response:
        headers = {"Accept": f"{MEDIA_TYPES[form]}, application/json;q=0.5"}
        return self._transport.request(
            "GET", f"/workflows/{workflow_id}/graph", params={"format": form}, headers=headers
        )


def _is_graph(answer: dict[str, Any]) -> bool:
    nodes, edges = answer.get("nodes"), answer.get("edges")
    return (
        isinstance(nodes, list)
        and isinstance(edges, list)
        and all(isinstance(node, dict) and isinstance(node.get("name"), str) and _counted(node) for node in nodes)
        and all(isinstance(edge, dict) and {"from", "to"} <= edge.keys() for edge in edges)
    )


def _counted(node: dict[str, Any]) -> bool:
    return (
        isinstance(node.get("id"), int)
        and isinstance(node.get("instances"), int)
        and isinstance(node.get("states"), dict)
        and isinstance(node.get("state"), str)
    )
