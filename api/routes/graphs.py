"""`/workflows/<id>/graph`: the jobs of a workflow and their order, with their states, as JSON, DOT or SVG."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from api.errors import InvalidParameter
from api.workflows.graph import dot, svg
from api.workflows.graph.model import shown
from api.workflows.graph.service import Graphs
from identity.caller import Caller

FORMATS = {"json": "application/json", "dot": dot.MEDIA_TYPE, "svg": svg.MEDIA_TYPE}
"""Names of formats, and their media types; the first is what is sent where neither is asked for."""


def blueprint(graphs: Graphs, caller: Callable[[], Caller]) -> Blueprint:
    """The route over `graphs`; `caller()` gives the authenticated user of the request or raises."""
    routes = Blueprint("graphs", __name__, url_prefix="/workflows")

    @routes.get("/<int:number>/graph")
    def graph(number: int) -> Response:
        """The graph of a workflow. 400 where there is none, or none in that format."""
        user, wanted = caller(), _format()
        made = graphs.graph(number, user)
        if wanted == "svg":
            response = Response(svg.svg(made), mimetype=svg.MEDIA_TYPE)
        elif wanted == "dot":
            response = Response(dot.dot(made), mimetype=dot.MEDIA_TYPE)
        else:
            response = jsonify(shown(made))
        # A browser that is led here shows a drawing and nothing else.
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-cache"
        return response

    return routes


def _format() -> str:
    """The format that the request asks for: by `format`, else by its Accept header. Raises InvalidParameter."""
    name = request.args.get("format")
    if name is None:
        media = request.accept_mimetypes.best_match(FORMATS.values(), FORMATS["json"])
        return next(name for name, known in FORMATS.items() if known == media)
    if name not in FORMATS:
        raise InvalidParameter(f"format: use one of {', '.join(FORMATS)}.", "format")
    return name
