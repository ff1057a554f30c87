"""`/checkpoint`: where a running job saves what it would go on from, and finds what an earlier run of it saved."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from api.objects.requests import CheckpointRequest, parse
from api.objects.service import Data
from api.routes.data import linked
from identity.caller import Caller


def blueprint(data: Data, job: Callable[[], Caller]) -> Blueprint:
    """The routes over `data`; `job()` gives the running job whose token the request carries, or raises."""
    routes = Blueprint("checkpoint", __name__, url_prefix="/checkpoint")

    def submission() -> str:
        name = job().job
        if name is None:
            raise RuntimeError("a caller that is no job came through the gate for jobs")
        return name

    @routes.post("")
    def save() -> tuple[Response, int]:
        """Where the running job that asks puts its checkpoint, in place of the one before."""
        saved = submission()
        return linked(data.checkpoint_link(saved, parse(request.get_data(), CheckpointRequest)))

    @routes.get("")
    def latest() -> Response:
        """Where the running job that asks finds the checkpoint that was saved last."""
        return jsonify(data.checkpoint(submission()))

    return routes
