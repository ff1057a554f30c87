"""`/resources` and `/token`: the workers there are, and a token with which a user adds one of their own."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify

from api.errors import NotAvailable
from api.resources import PROJECTION, existing
from identity.caller import Caller, group_slug
from pool.session import Pool
from pool.worker_tokens import WorkerTokens


def blueprint(
    pool: Pool,
    tokens: WorkerTokens | None,
    lifetime: int,
    owner: Callable[[Caller], str],
    caller: Callable[[], Caller],
) -> Blueprint:
    """The routes; tokens are good for `lifetime` seconds, `owner` gives the name under which a caller's jobs run."""
    routes = Blueprint("resources", __name__)

    @routes.get("/resources")
    def resources() -> Response:
        """The workers that the caller's jobs may run on."""
        user = caller()
        machines = pool.machines(PROJECTION)
        return jsonify({"existing": existing(machines, owner(user), group_slug(user.groups[0]))})

    @routes.post("/token")
    def token() -> tuple[Response, int]:
        """A token with which a worker joins the pool and serves the caller's jobs alone."""
        mine = owner(caller())
        if tokens is None:
            raise NotAvailable("This server gives no tokens for workers: its operators can allow them.")
        answer = jsonify({"token": tokens.mint_for(mine, lifetime)})
        answer.headers["Cache-Control"] = "no-store"
        return answer, 201

    return routes
