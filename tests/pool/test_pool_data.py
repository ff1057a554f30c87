"""Data through the instance's own storage, as a client moves it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
import requests

from tests.pool.conftest import User

pytestmark = pytest.mark.timeout(60)

CONTENT = b"a few bytes" * 1000


def test_an_upload_is_listed_and_deleted_and_private(user: Callable[..., User]) -> None:
    alice, bob = user("alice"), user("bob")
    request = {"filename": "input.bin", "checksum": hashlib.sha256(CONTENT).hexdigest()}
    answer = alice.call("POST", "/data/upload", json=request)
    assert answer.status_code == 201, answer.text
    put = requests.put(answer.json()["url"], data=CONTENT, timeout=30)
    assert put.status_code == 200, put.text
    (listed,) = alice.call("GET", "/data").json()
    assert (listed["name"], listed["size"]) == ("input.bin", len(CONTENT))
    assert bob.call("GET", "/data").json() == []
    assert bob.call("DELETE", "/data/input.bin").status_code == 204  # his own, which is not there
    assert alice.call("DELETE", "/data/input.bin").status_code == 204
    assert alice.call("GET", "/data").json() == []


def test_a_link_takes_no_other_bytes(user: Callable[..., User]) -> None:
    request = {"filename": "x", "checksum": hashlib.sha256(CONTENT).hexdigest()}
    url = user("carol").call("POST", "/data", json=request).json()["url"]
    assert requests.put(url, data=b"other", timeout=30).status_code == 400
    assert user("carol").call("GET", "/data").json() == []
