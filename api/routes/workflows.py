"""`/workflows`: create, list, describe, delete, run again, and the output of their jobs by name."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request
from werkzeug.routing import PathConverter

from api.documents.parse import parse_workflow
from api.jobs.listing import job_ids, selection
from api.routes.jobs import idempotency_key
from api.routes.output import Output
from api.workflows.service import Workflows
from identity.caller import Caller


class NameConverter(PathConverter):
    """A name with slashes anywhere, also in front."""

    regex = ".+?"
    part_isolating = False


def blueprint(workflows: Workflows, output: Output, caller: Callable[[], Caller]) -> Blueprint:
    """The routes over `workflows`; `caller()` gives the authenticated user of the request or raises."""
    routes = Blueprint("workflows", __name__, url_prefix="/workflows")

    @routes.post("")
    def create() -> tuple[Response, int]:
        """Create a workflow. 201 with its id; 400 names the field; 503 when the queue cannot be reached."""
        user = caller()
        document = parse_workflow(request.get_data(), request.mimetype, workflows.most_instances)
        return jsonify({"id": workflows.create(document, user, idempotency_key())}), 201

    @routes.get("")
    def select() -> Response:
        """List the caller's workflows."""
        user = caller()
        return jsonify(workflows.select(selection(request.args), user))

    @routes.get("/<int:number>")
    def describe(number: int) -> Response:
        """Describe a workflow: a list of one, or an empty one where the caller has no such workflow."""
        return jsonify(workflows.describe(number, caller()))

    @routes.delete("/<int:number>")
    def delete(number: int) -> Response:
        """Remove a workflow and its jobs from the queue."""
        workflows.delete((number,), caller())
        return jsonify({})

    @routes.delete("")
    def delete_several() -> Response:
        """Remove the workflows in `id`, with their jobs, from the queue."""
        user = caller()
        workflows.delete(job_ids(request.args.get("id", "")), user)
        return jsonify({})

    @routes.put("/<int:number>")
    def rerun(number: int) -> tuple[Response, int]:
        """Run what failed and what never ran again, as a new workflow. 201 with its id."""
        user = caller()
        return jsonify({"id": workflows.rerun(number, user, idempotency_key())}), 201

    @routes.put("/<int:number>/remove")
    def take_out(number: int) -> Response:
        """Take a finished workflow with `leaveInQueue` out of the queue."""
        workflows.take_out(number, caller())
        return jsonify({})

    @routes.put("/<int:number>/clone")
    def clone(number: int) -> tuple[Response, int]:
        """Submit the description of a workflow again. 201 with the new workflow's id."""
        user = caller()
        return jsonify({"id": workflows.clone(number, user, idempotency_key())}), 201

    @routes.get("/<int:number>/<name:job>/<any(stdout, stderr):stream>")
    def written(number: int, job: str, stream: str) -> Response:
        """What a job of the workflow wrote so far, by the job's name and, where it has a factory, its instance."""
        user = caller()
        return output.answer(workflows.job_id(number, job, user), stream, user)

    return routes
