"""`/health`: whether the service can do its work; the one route without a token."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, jsonify

from pool.errors import PoolError
from pool.session import Pool

_log = logging.getLogger(__name__)


def blueprint(pool: Pool) -> Blueprint:
    """The route over `pool`."""
    routes = Blueprint("health", __name__, url_prefix="/health")

    @routes.get("")
    def health() -> tuple[Response, int]:
        """204 when all is well, 409 with what is down."""
        try:
            pool.check()
        except PoolError as error:
            _log.warning("health: %s", error.detail)
            return jsonify({"errors": "the queue cannot be reached"}), 409
        return Response(), 204

    return routes
