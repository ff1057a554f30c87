"""`/kv` over HTTP: keys and values come back as they were sent, and what could mean two keys is refused."""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from api import errors
from api.records.pairs import PairLimits, Pairs
from api.records.schema import open_database
from api.routes import kv
from identity.caller import Caller

BASE = "/prominence/v1/kv"
ALICE = Caller("alice", "https://issuer", "Alice", ("vo",))


class Service:
    """The routes, as somebody who may become somebody else."""

    def __init__(self, pairs: Pairs) -> None:
        self.who = ALICE
        app = Flask("test")
        app.register_blueprint(kv.blueprint(pairs, lambda: self.who), url_prefix=BASE)
        errors.register(app)
        self.client: FlaskClient = app.test_client()

    def call(self, method: str, key: str, data: bytes | None = None, **more: str) -> TestResponse:
        """A request for an address that ends in `key`, sent as it is."""
        return self.client.open(f"{BASE}{key}", method=method, data=data, headers=more)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('kv')}/records.sqlite")
    database.migrate()
    return Service(Pairs(database, PairLimits(keys=100_000)))


@pytest.fixture
def fresh(service: Service, request: pytest.FixtureRequest) -> Service:
    service.who = replace(ALICE, subject=request.node.name)
    return service


def test_a_value_comes_back_as_it_was_sent(fresh: Service) -> None:
    value = bytes(range(256)) * 64
    answer = fresh.call("POST", "/mykey/path/example", value)
    assert (answer.status_code, answer.json) == (201, {})
    answer = fresh.call("GET", "/mykey/path/example")
    assert (answer.status_code, answer.data) == (200, value)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_body_that_curl_calls_a_form_is_the_value(fresh: Service) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert fresh.call("POST", "/k", b"example string=1&b", **form).status_code == 201
    assert fresh.call("GET", "/k").data == b"example string=1&b"


def test_no_such_key_is_404_in_the_words_of_the_contract(fresh: Service) -> None:
    answer = fresh.call("GET", "/absent")
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["error"] == "No such key"


def test_lists_show_keys_with_a_slash_and_values_beside_them(fresh: Service) -> None:
    for key, value in (("a/b", b"1"), ("a/c", b"\xff"), ("b", "ü".encode())):
        fresh.call("POST", f"/{key}", value)
    assert fresh.call("GET", "?list").json == ["/a/b", "/a/c", "/b"]
    assert fresh.call("GET", "/?list").json == ["/a/b", "/a/c", "/b"]
    assert fresh.call("GET", "/a?list").json == ["/a/b", "/a/c"]
    assert fresh.call("GET", "/a/?list").json == ["/a/b", "/a/c"]
    assert fresh.call("GET", "/zzz?list").json == []
    assert fresh.call("GET", "?list&values").json == [{"/a/b": "1"}, {"/a/c": None}, {"/b": "ü"}]


def test_a_key_is_deleted_and_with_prefix_all_below(fresh: Service) -> None:
    for key in ("a", "a/b", "a/b/c", "ab", "x"):
        fresh.call("POST", f"/{key}", b"1")
    assert fresh.call("DELETE", "/x").json == {}
    assert fresh.call("DELETE", "/absent").status_code == 200
    assert fresh.call("GET", "?list").json == ["/a", "/a/b", "/a/b/c", "/ab"]
    assert fresh.call("DELETE", "/a?prefix").json == {}
    assert fresh.call("GET", "?list").json == ["/ab"]


@pytest.mark.parametrize("old", [b"plain", b"a b+c&d=e%41", bytes(range(256)), "ü☃".encode()])
def test_with_prev_a_value_changes_only_where_it_is_that(fresh: Service, old: bytes) -> None:
    key = f"/key{len(old)}"
    prev = urllib.parse.quote_plus(old)
    assert fresh.call("POST", f"{key}?prev={prev}", b"new").status_code == 400
    fresh.call("POST", key, old)
    assert fresh.call("POST", f"{key}?prev=other&prev={prev}", b"new").status_code == 400
    assert fresh.call("GET", key).data == old
    assert fresh.call("POST", f"{key}?prev={prev}", b"new").status_code == 201
    answer = fresh.call("POST", f"{key}?prev={prev}", b"newer")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["code"] == "valueChanged"
    assert fresh.call("GET", key).data == b"new"


def test_too_big_and_empty_values_are_refused(fresh: Service) -> None:
    assert fresh.call("POST", "/k", b"v" * 16384).status_code == 201
    assert fresh.call("POST", "/k", b"v" * 16385).status_code == 400
    assert fresh.call("POST", "/k", b"").status_code == 400
    assert fresh.call("GET", "/k").data == b"v" * 16384


REFUSED = [
    "/..",
    "/a/../b",
    "/./a",
    "/a/.",
    "/%2e%2e/a",
    "/a//b",
    "//a",
    "/a/",
    "/a%2Fb",
    "/a%2fb",
    "/a%00b",
    "/%00",
    "/a%0Ab",
    "/a%FFb",
    "/%C3",
    "/" + "a" * 4000,
    "/" + "%C3%BC" * 600,
    "/",
    "",
]


@pytest.mark.parametrize("key", REFUSED)
def test_what_could_mean_two_keys_is_refused_with_a_sentence(fresh: Service, key: str) -> None:
    answer = fresh.call("POST", key, b"1")
    assert answer.status_code in (400, 404, 405), answer.data
    assert answer.json is not None
    assert answer.json["error"]
    assert fresh.call("GET", "?list").json == []


@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20), min_size=1, max_size=5
    )
)
@settings(max_examples=150, deadline=None)
def test_every_printable_key_is_stored_exactly(service: Service, names: list[str]) -> None:
    key = "/" + "/".join(names).replace("/./", "/x/").replace("/../", "/x/")
    parts = key[1:].split("/")
    if any(part in ("", ".", "..") for part in parts):
        return
    service.who = replace(ALICE, subject="exactly")
    assert service.call("POST", urllib.parse.quote(key), key.encode()).status_code == 201
    answer = service.call("GET", urllib.parse.quote(key, safe="/!$&'()*+,;=:@"))
    assert answer.data == key.encode()
    assert key in json.loads(service.call("GET", "?list").data)


def test_one_user_sees_nothing_of_anothers(fresh: Service) -> None:
    fresh.call("POST", "/k", b"1")
    fresh.who = replace(fresh.who, issuer="https://other")
    assert fresh.call("GET", "/k").status_code == 404
    assert fresh.call("GET", "?list").json == []


def test_without_a_key_or_list_it_says_what_to_send(fresh: Service) -> None:
    for key in ("", "/"):
        answer = fresh.call("GET", key)
        assert answer.status_code == 400
        assert answer.json is not None
        assert "?list" in answer.json["error"]
