"""`/ts`: series of values that running jobs write, and their users read."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, NoReturn

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from api.errors import InvalidParameter
from api.records.errors import LimitReached
from api.records.series import Line, Point, SeriesStore
from identity.caller import Caller

_MINUTE = 60
_LONGEST = 366 * 24 * 60
"""Minutes that a request may look back."""
_SHOWN = "%Y-%m-%d %H:%M:%S"

Text = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[ -~\u00a0-\ud7ff\ue000-\U0010ffff]+$")
]
Number = Annotated[float, Field(allow_inf_nan=False)]


class PointDocument(BaseModel):
    """A point as jobs send it; without `time` (epoch seconds) it is of now."""

    model_config = ConfigDict(extra="forbid", strict=True)

    measurement: Text
    fields_: dict[Text, Number] = Field(alias="fields", min_length=1, max_length=100)
    tags: dict[Text, Text] = Field(default_factory=dict, max_length=20)
    time: Annotated[float, Field(ge=0, le=2**40)] | None = None


def blueprint(
    store: SeriesStore,
    caller: Callable[[], Caller],
    job: Callable[[], Caller],
    submission_of: Callable[[int, Caller], str],
    clock: Callable[[], float] = time.time,
) -> Blueprint:
    """The routes over `store`.

    `caller()` gives the authenticated caller, a user or a running job; `job()` a running job and nobody else;
    `submission_of(id, caller)` the submission of a job of the caller's, or raises NoSuchJob or NotYours.
    """
    routes = Blueprint("ts", __name__, url_prefix="/ts")

    @routes.post("")
    def write() -> tuple[Response, int]:
        """Store the values of a point of the job whose token this is. 201; 400 names the field."""
        submission = job().job or ""
        sent = _document(request.get_data())
        at = clock() if sent.time is None else sent.time
        try:
            store.write(submission, Point(sent.measurement, sent.fields_, sent.tags, at))
        except LimitReached as error:
            _refuse(error)
        return jsonify({}), 201

    @routes.get("/<int:number>")
    def read(number: int) -> Response:
        """The series of a job from `start` to `stop` minutes ago, or their means over `mean` minutes."""
        submission = submission_of(number, caller())
        now = clock()
        start, stop, mean = _minutes("start"), _minutes("stop"), _minutes("mean")
        begin = 0.0 if start is None else now - start * _MINUTE
        # A job's clock may be ahead of ours: without `stop` the future belongs to it.
        end = math.inf if stop is None else now - stop * _MINUTE
        try:
            lines = store.read(submission, begin, end, mean * _MINUTE if mean else None)
        except LimitReached as error:
            _refuse(error)
        return jsonify([_shown(line) for line in lines])

    return routes


def _document(body: bytes) -> PointDocument:
    try:
        return PointDocument.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidParameter(f"{place or 'The point'}: {first['msg']}.", place) from None


def _minutes(name: str) -> float | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _LONGEST or (name == "mean" and value == 0):
        raise InvalidParameter(f"{name}: give a number of minutes up to {_LONGEST}.", name)
    return value


def _shown(line: Line) -> dict[str, object]:
    return {
        "measurement": line.measurement,
        "field": line.field,
        "tags": line.tags,
        "times": [datetime.fromtimestamp(at, UTC).strftime(_SHOWN) for at in line.times],
        "values": list(line.values),
    }


def _refuse(error: LimitReached) -> NoReturn:
    raise InvalidParameter(str(error)) from error
