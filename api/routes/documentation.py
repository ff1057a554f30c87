"""`/openapi.json` and `/docs`: the description of the API. Neither needs a token; both are made once, when first asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flask import Blueprint, Response, request

from api.openapi import page

_MAX_AGE = 300
"""Seconds for which a browser may keep the description."""


def blueprint(document: Callable[[], Mapping[str, Any]]) -> Blueprint:
    """The routes for the OpenAPI document that `document()` makes when it is first asked for.

    To have them at two places, register them again under another name.
    """
    routes = Blueprint("documentation", __name__)
    made = cache(document)

    @cache
    def described() -> bytes:
        return json.dumps(made()).encode()

    @cache
    def html() -> bytes:
        return page.render(made()).encode()

    @routes.get("/openapi.json")
    def openapi() -> Response:
        """The description for programs."""
        return _sent(described(), "application/json")

    @routes.get("/docs")
    def docs() -> Response:
        """The description for people."""
        response = _sent(html(), "text/html")
        response.headers["Content-Security-Policy"] = page.content_security_policy()
        return response

    return routes


def _sent(body: bytes, media: str) -> Response:
    response = Response(body, mimetype=media)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.max_age = _MAX_AGE
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]
