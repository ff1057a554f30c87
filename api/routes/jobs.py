"""`/jobs`: create, list, describe, delete, clone, take out of the queue."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from api.documents.parse import parse_job
from api.errors import InvalidParameter
from api.jobs.listing import job_ids, selection
from api.jobs.service import Jobs
from api.workflows.members import Members
from identity.caller import Caller


def blueprint(jobs: Jobs, members: Members, caller: Callable[[], Caller]) -> Blueprint:
    """The routes over `jobs`; `caller()` gives the authenticated user of the request or raises."""
    routes = Blueprint("jobs", __name__, url_prefix="/jobs")

    @routes.post("")
    def create() -> tuple[Response, int]:
        """Create a job. 201 with its id; 400 names the field; 503 when the queue cannot be reached."""
        user = caller()
        number = jobs.create(parse_job(request.get_data(), request.mimetype), user, idempotency_key())
        return jsonify({"id": number}), 201

    @routes.get("")
    def select() -> Response:
        """List the caller's jobs, or those of one workflow."""
        user = caller()
        wanted = selection(request.args)
        if wanted.workflow is not None:
            return jsonify(jobs.shown(members.select(wanted.workflow, wanted, user), wanted.detail))
        return jsonify(jobs.select(wanted, user))

    @routes.get("/<int:number>")
    def describe(number: int) -> Response:
        """Describe a job: a list of one, or an empty one where the caller has no such job."""
        return jsonify(jobs.describe(number, caller()))

    @routes.delete("/<int:number>")
    def delete(number: int) -> Response:
        """Remove a job from the queue."""
        jobs.delete((number,), caller())
        return jsonify({})

    @routes.delete("")
    def delete_several() -> Response:
        """Remove the jobs in `id` from the queue."""
        user = caller()
        jobs.delete(job_ids(request.args.get("id", "")), user)
        return jsonify({})

    @routes.put("/<int:number>/remove")
    def take_out(number: int) -> Response:
        """Take a finished job with `leaveInQueue` out of the queue."""
        jobs.take_out(number, caller())
        return jsonify({})

    @routes.put("/<int:number>/clone")
    def clone(number: int) -> tuple[Response, int]:
        """Submit the description of a job again. 201 with the new job's id."""
        user = caller()
        return jsonify({"id": jobs.clone(number, user, idempotency_key())}), 201

    return routes


def idempotency_key() -> str | None:
    """The key under which the client may repeat this request, if it gave one. Raises InvalidParameter."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise InvalidParameter("Idempotency-Key: give 1 to 255 printable ASCII characters.", "Idempotency-Key")
    return key
