"""`/jobs/<id>/exec`, `/snapshot`, `/events`: into a running job, and what happened to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from api.documents import strict_json
from api.errors import InvalidParameter
from api.jobs.commands import Commands, Result
from api.jobs.events import Events
from identity.caller import Caller

_CUT = b"\n[prominence: the rest of the output is cut]\n"


def blueprint(commands: Commands, events: Events, caller: Callable[[], Caller]) -> Blueprint:
    """The routes; `caller()` gives the authenticated user of the request or raises."""
    routes = Blueprint("job_actions", __name__, url_prefix="/jobs")

    @routes.post("/<int:number>/exec")
    def run(number: int) -> Response:
        """Run a command in a running job and wait for it. 200 with its output; 400 not running, not started, out of time."""
        user = caller()
        command, seconds = _order()
        return _answer(commands.run(number, user, command, seconds))

    @routes.put("/<int:number>/snapshot")
    def take(number: int) -> Response:
        """Archive a file or directory of a running job into object storage."""
        user = caller()
        commands.snapshot(number, user, request.args.get("path", ""))
        return jsonify({})

    @routes.get("/<int:number>/snapshot")
    def link(number: int) -> Response:
        """Where to download the latest snapshot."""
        return jsonify({"url": commands.snapshot_url(number, caller())})

    @routes.get("/<int:number>/events")
    def happened(number: int) -> Response:
        """What happened to a job, oldest first."""
        return jsonify(events.of(number, caller()))

    return routes


def _order() -> tuple[list[str], float | None]:
    """The command and its time limit: of the parameters, or of a JSON body, in which a word may have commas."""
    if "command" in request.args:
        return request.args["command"].split(","), _seconds(request.args.get("timeout"))
    body: Any = strict_json.load(request.get_data()) if request.get_data() else None
    if not isinstance(body, dict):
        raise InvalidParameter("command: give the program and its arguments, separated by commas.", "command")
    unknown = sorted(body.keys() - {"command", "timeout"})
    if unknown:
        raise InvalidParameter(f"{unknown[0]}: this is not a field of a command.", unknown[0])
    command, timeout = body.get("command"), body.get("timeout")
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        raise InvalidParameter("command: give a list of strings.", "command")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
        raise InvalidParameter("timeout: give a number of seconds.", "timeout")
    return command, timeout


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidParameter("timeout: give a number of seconds.", "timeout") from None


def _answer(result: Result) -> Response:
    if request.accept_mimetypes.best_match(("text/plain", "application/json"), "text/plain") == "application/json":
        response = jsonify(
            {
                "stdout": result.stdout.decode("utf-8", "replace"),
                "stderr": result.stderr.decode("utf-8", "replace"),
                "exitCode": result.exit_code,
                "truncated": result.stdout_cut or result.stderr_cut,
            }
        )
    else:
        parts = [result.stdout, _CUT * result.stdout_cut, result.stderr, _CUT * result.stderr_cut]
        response = Response(b"".join(parts), mimetype="text/plain")
    response.headers["Prominence-Exit-Code"] = str(result.exit_code)
    return response
