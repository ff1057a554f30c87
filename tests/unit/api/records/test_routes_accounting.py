"""`/accounting` over HTTP: hours, by user and by group, of the days that were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import errors
from api.records.finished import FinishedJobs
from api.records.projection import RECORDED, row
from api.records.schema import open_database
from api.records.usage import Usage
from api.routes import accounting
from identity.caller import Caller
from pool.history_files import parsed
from tests.unit.api.records.finished_ads import as_file, finished_ad

ALICE = Caller("alice", "https://issuer", "Alice", ("vo", "second"))
ONE = {"cpuTime": 1.0, "wallTime": 2.0, "numberOfJobs": 1}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.fixture
def client(tmp_path: Any) -> Iterator[FlaskClient]:
    database = open_database(f"sqlite:///{tmp_path}/records.sqlite")
    database.migrate()
    hours = {"RemoteUserCpu": 3600.0, "RemoteSysCpu": 0.0, "RemoteWallClockTime": 7200.0}
    bob = {"ProminenceUser": "bob", "Owner": "bob"}
    ads = [
        finished_ad(CompletionDate=at("2024-02-01T00:00:00"), **hours),
        finished_ad(CompletionDate=at("2024-02-29T23:59:59"), **hours, **bob),
        finished_ad(CompletionDate=at("2024-03-01T00:00:00"), **hours),
        finished_ad(CompletionDate=at("2024-02-10T00:00:00"), **hours, **bob, ProminenceGroup="secret"),
    ]
    FinishedJobs(database).add([row(parsed("f", as_file(ad).encode(), RECORDED), None) for ad in ads])
    app = Flask("test")
    app.register_blueprint(accounting.blueprint(Usage(database), lambda: ALICE), url_prefix="/accounting")
    errors.register(app)
    yield app.test_client()
    database.close()


FEBRUARY = "start=2024-02-01&end=2024-02-29"
TWO = {name: 2 * value for name, value in ONE.items()}


@pytest.mark.parametrize(
    ("query", "users", "groups"),
    [
        (FEBRUARY, {"alice": ONE}, {}),
        ("start=2024-02-01&end=2024-03-01", {"alice": TWO}, {}),
        ("start=2024-02-02&end=2024-02-29", {}, {}),
        (f"{FEBRUARY}&show_all_users=true", {"alice": ONE, "bob": ONE}, {}),
        (f"{FEBRUARY}&by_group=true", {}, {"vo": TWO}),
        (f"{FEBRUARY}&by_group=true&show_all_users=true", {"alice": ONE, "bob": ONE}, {"vo": TWO}),
        (f"{FEBRUARY}&by_group=false&show_all_users=false", {"alice": ONE}, {}),
    ],
)
def test_use_is_shown_in_hours(client: FlaskClient, query: str, users: Any, groups: Any) -> None:
    answer = client.get(f"/accounting?{query}")
    assert (answer.status_code, answer.json) == (200, {"usage": {"users": users, "groups": groups}})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "start"),
        ("start=2024-02-01", "end"),
        ("end=2024-02-01", "start"),
        ("start=2024-02-30&end=2024-03-01", "start"),
        ("start=20240201&end=2024-03-01", "start"),
        ("start=2024-02-01&end=today", "end"),
        ("start=2024-02-01&end=9999-12-31", "end"),
    ],
)
def test_without_two_days_it_says_what_to_give(client: FlaskClient, query: str, field: str) -> None:
    answer = client.get(f"/accounting?{query}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["field"] == field
