"""What the API answers when the database cannot do what was asked: a code of its own for each kind of failure."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert, text
from werkzeug.test import TestResponse

from api import errors
from api.records.pairs import Pairs
from api.records.schema import open_database
from api.records.tables import commands
from api.routes import kv
from database.transactions import Database
from identity.caller import Caller

ALICE = Caller("alice", "https://issuer", "Alice", ("vo",))


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_database(f"sqlite:///{tmp_path}/records.sqlite")


def answer(database: Database, path: str) -> tuple[TestResponse, str, str]:
    """The answer to a request that needs the database, its code and its sentence."""
    app = Flask("test")
    app.register_blueprint(kv.blueprint(Pairs(database), lambda: ALICE))

    @app.get("/refused")
    def refused() -> str:
        with database.writing() as connection:
            connection.execute(insert(commands).values(number=1, submission=None))
        return ""

    errors.register(app)
    found = app.test_client().get(path)
    told: dict[str, str] = found.get_json()
    return found, told["code"], told["error"]


def test_a_database_that_cannot_be_opened_is_a_503_that_passes(tmp_path: Path) -> None:
    found, code, sentence = answer(open_database(f"sqlite:///{tmp_path}/nowhere/records.sqlite"), "/kv/key")
    assert (found.status_code, code) == (503, "recordsUnavailable")
    assert "try again in a few seconds" in sentence
    assert int(found.headers["Retry-After"]) > 0


def test_tables_of_another_revision_are_a_503_that_names_the_command(database: Database) -> None:
    found, code, sentence = answer(database, "/kv/key")
    assert (found.status_code, code) == (503, "recordsOutdated")
    assert "python -m api.records migrate" in sentence
    database.migrate()
    assert answer(database, "/kv/key")[1] == "noSuchKey"


def test_a_record_that_is_refused_is_no_outage(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.migrate()
    found, code, sentence = answer(database, "/refused")
    assert (found.status_code, code) == (500, "recordRefused")
    assert "tell the operators" in sentence
    assert "NOT NULL" not in found.text
    assert "NOT NULL" in caplog.text
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM commands")).scalar_one() == 0
