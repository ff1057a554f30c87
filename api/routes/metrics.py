"""`/metrics`, for Prometheus alone: whoever asks must hold the token in the operators' file."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.exceptions import NotFound

from api.metrics import Reading, exposition


def blueprint(token: str, readings: list[Reading]) -> Blueprint:
    """The route, for who holds `token`."""
    routes = Blueprint("metrics", __name__)
    wanted = f"Bearer {token}".encode()

    @routes.get("/metrics")
    def metrics() -> Response:
        """Counts and timings of the API in Prometheus' text format; 404 without the token."""
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), wanted):
            raise NotFound
        return Response(exposition(readings), content_type=CONTENT_TYPE_LATEST)

    return routes
