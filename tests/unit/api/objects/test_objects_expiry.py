"""Links over HTTP when time has passed: the same application, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from api.objects.settings import LocalStorage
from tests.unit.api.objects.conftest import Clock
from tests.unit.api.objects.serving import create, user_token


@pytest.fixture
def client(tmp_path: Path, keys: Path, clock: Clock) -> Iterator[FlaskClient]:
    settings = LocalStorage(
        kind="local", root=tmp_path / "root", signing_secret=keys / "signing-secret", upload_lifetime=600
    )
    with create(settings, "http://localhost/prominence/v1", keys, clock).test_client() as made:
        yield made


def link(client: FlaskClient, keys: Path) -> str:
    headers = {"Authorization": f"Bearer {user_token(keys, 'alice')}"}
    answer = client.post("/prominence/v1/data", headers=headers, json={"filename": "x"})
    assert answer.json is not None
    split = urlsplit(answer.json["url"])
    return f"{split.path}?{split.query}"


def test_an_upload_link_is_good_for_its_time_and_then_says_that_it_is_over(
    client: FlaskClient, keys: Path, clock: Clock
) -> None:
    path = link(client, keys)
    clock.now += 599
    assert client.put(path, data=b"x").status_code == 200
    clock.now += 1
    answer = client.put(path, data=b"y")
    assert answer.status_code == 403
    assert answer.json is not None
    assert (answer.json["code"], answer.headers["Connection"]) == ("linkExpired", "close")
