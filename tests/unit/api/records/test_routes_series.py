"""`/ts` over HTTP: a running job writes, its user reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import errors
from api.errors import NotYours
from api.records.schema import open_database
from api.records.series import SeriesLimits, SeriesStore
from api.routes import series
from identity.caller import Caller

NOW = 1_700_000_000.0
ALICE = Caller("alice", "https://issuer", "Alice", ("vo",))
JOB = Caller("alice", "https://issuer", "Alice", ("vo",), kind="job", job="submission")


@pytest.fixture
def client(tmp_path: Any) -> Iterator[FlaskClient]:
    database = open_database(f"sqlite:///{tmp_path}/records.sqlite")
    database.migrate()
    store = SeriesStore(database, SeriesLimits(points=50))

    def submission_of(number: int, caller: Caller) -> str:
        if number != 7:
            raise NotYours(number)
        return "submission"

    app = Flask("test")
    app.register_blueprint(
        series.blueprint(store, lambda: ALICE, lambda: JOB, submission_of, lambda: NOW), url_prefix="/ts"
    )
    errors.register(app)
    yield app.test_client()
    database.close()


def write(client: FlaskClient, at: float | None, value: float = 1, **more: Any) -> int:
    document = {"measurement": "m", "fields": {"x": value}, **({} if at is None else {"time": at}), **more}
    return client.post("/ts", data=json.dumps(document)).status_code


def test_what_a_job_writes_its_user_reads(client: FlaskClient) -> None:
    assert write(client, NOW - 60, 1.5, tags={"t": "ü"}) == 201
    assert write(client, None, 2, tags={"t": "ü"}) == 201
    assert client.get("/ts/7").json == [
        {
            "measurement": "m",
            "field": "x",
            "tags": {"t": "ü"},
            "times": ["2023-11-14 22:12:20", "2023-11-14 22:13:20"],
            "values": [1.5, 2.0],
        }
    ]


def test_start_and_stop_are_minutes_ago_and_mean_is_over_minutes(client: FlaskClient) -> None:
    for minutes in range(10):
        write(client, NOW - minutes * 60, minutes)
    values = {query: client.get(f"/ts/7?{query}").json for query in ("start=3", "start=5&stop=4", "mean=5", "stop=9")}
    shown = {query: lines[0]["values"] for query, lines in values.items() if lines}
    assert shown == {"start=3": [3, 2, 1, 0], "start=5&stop=4": [5, 4], "stop=9": [9], "mean=5": [9, 6, 1.5]}
    assert client.get("/ts/7?start=1&stop=3").json == []


@pytest.mark.parametrize("query", ["start=x", "start=-1", "stop=nan", "mean=0", "mean=inf", "start=1e9"])
def test_a_bad_parameter_is_refused_by_name(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/ts/7?{query}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["field"] == query.split("=")[0]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ("{", ""),
        ("[]", ""),
        ({"fields": {"x": 1}}, "measurement"),
        ({"measurement": "m"}, "fields"),
        ({"measurement": "m", "fields": {}}, "fields"),
        ({"measurement": "m", "fields": {"x": "1"}}, "fields.x"),
        ({"measurement": "m", "fields": {"x": True}}, "fields.x"),
        ({"measurement": "m\0", "fields": {"x": 1}}, "measurement"),
        ('{"measurement": "m", "fields": {"x": NaN}}', None),
        ('{"measurement": "m\\ud800", "fields": {"x": 1}}', None),
        ('{"measurement": "m", "fields": {"x": 1e999}}', None),
        ({"measurement": "m", "fields": {"x": 1}, "time": -1}, "time"),
        ({"measurement": "m", "fields": {"x": 1}, "tags": {"t": 1}}, "tags.t"),
        ({"measurement": "m", "fields": {"x": 1}, "job": "other"}, "job"),
        ({"measurement": "m", "fields": {str(n): 1 for n in range(101)}}, "fields"),
    ],
)
def test_a_bad_point_is_refused_by_field(client: FlaskClient, document: Any, field: str | None) -> None:
    body = document if isinstance(document, str) else json.dumps(document)
    answer = client.post("/ts", data=body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"]
    assert field is None or answer.json.get("field", "") == field
    assert client.get("/ts/7").json == []


def test_a_job_that_writes_too_much_is_told_so(client: FlaskClient) -> None:
    codes = [write(client, float(number)) for number in range(52)]
    assert codes == [201] * 50 + [400] * 2


def test_the_series_of_anothers_job_are_not_shown(client: FlaskClient) -> None:
    assert client.get("/ts/8").status_code == 403
