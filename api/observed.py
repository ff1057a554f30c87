"""Around every request: its id, its line in the log, its time in the metrics, and the limit on how many a user may make."""

from __future__ import annotations

import logging
import math
import re
import time
import uuid

from flask import Flask, Response, g, request

from api import metrics
from api.errors import TooManyRequests
from api.logs import request_id
from api.rate_limit import RateLimit
from identity.caller import Caller

_log = logging.getLogger("api.requests")
_ID_HEADER = "X-Request-Id"
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def observe(app: Flask) -> None:
    """Gives each request of `app` an id (the client's own where it is a good one), a log line and a measurement."""

    @app.before_request
    def _begin() -> None:
        g.began = time.perf_counter()
        given = request.headers.get(_ID_HEADER, "")
        g.request_id = given if _GOOD_ID.fullmatch(given) else uuid.uuid4().hex
        request_id.set(g.request_id)

    @app.after_request
    def _end(response: Response) -> Response:
        seconds = time.perf_counter() - g.began
        # The rule, not the path: paths hold ids, and names that users chose.
        route = request.url_rule.rule if request.url_rule else "none"
        metrics.REQUESTS.labels(request.method, route, response.status_code).observe(seconds)
        response.headers[_ID_HEADER] = g.request_id
        fields = {
            "method": request.method,
            "route": route,
            "status": response.status_code,
            "ms": round(seconds * 1e3, 1),
        }
        if "who" in g:
            fields["user"] = g.who
        _log.info("request", extra={"fields": fields})
        return response


def count(caller: Caller, limit: RateLimit | None) -> None:
    """Notes who sends this request; raises TooManyRequests where that is one too many."""
    g.who = caller.username
    if limit is None:
        return
    seconds = limit.wait(f"{caller.kind}\0{caller.issuer}\0{caller.subject}")
    if seconds > 0:
        metrics.LIMITED.inc()
        raise TooManyRequests(math.ceil(seconds))
