"""`/accounting`: what finished jobs have used, by user and by virtual organisation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from flask import Blueprint, Response, jsonify, request

from api.errors import InvalidParameter
from api.records.usage import Usage, Used
from identity.caller import Caller

_HOUR = 3600


def blueprint(usage: Usage, caller: Callable[[], Caller]) -> Blueprint:
    """The route over `usage`; `caller()` gives the authenticated user of the request or raises."""
    routes = Blueprint("accounting", __name__, url_prefix="/accounting")

    @routes.get("")
    def show() -> Response:
        """The caller's own use from `start` to `end`, both days included (UTC).

        `show_all_users`: of all users of the caller's virtual organisations; `by_group`: of these as wholes.
        """
        user = caller()
        start, end = _day("start"), _day("end") + timedelta(days=1)
        within = (start.timestamp(), end.timestamp())
        users: Mapping[str, Used] = {}
        groups: Mapping[str, Used] = {}
        if _flag("by_group"):
            groups = usage.of_vos(user.groups, *within)
        if _flag("show_all_users"):
            users = usage.of_users(user.groups, *within)
        elif not _flag("by_group"):
            users = usage.of_user((user.issuer, user.subject), *within)
        return jsonify({"usage": {"users": _shown(users), "groups": _shown(groups)}})

    return routes


def _day(name: str) -> datetime:
    text = request.args.get(name, "")
    try:
        # Other forms of ISO 8601 are no part of the contract.
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII) else None
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year < 9999:
        raise InvalidParameter(f"{name}: give the day as YYYY-MM-DD.", name)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _flag(name: str) -> bool:
    return request.args.get(name, "false").lower() in ("", "true", "1")


def _shown(used: Mapping[str, Used]) -> dict[str, dict[str, float | int]]:
    return {
        name: {
            "cpuTime": entry.cpu_seconds / _HOUR,
            "wallTime": entry.wall_seconds / _HOUR,
            "numberOfJobs": entry.jobs,
        }
        for name, entry in used.items()
    }
