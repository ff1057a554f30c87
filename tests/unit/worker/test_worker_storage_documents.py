from __future__ import annotations

from typing import Any

import pytest

from tests.unit.worker.storage_support import b2drop, onedata, webdav
from worker.storage.documents import storage


def test_each_type_has_its_server() -> None:
    assert webdav("https://h/d").server == "https://h/d"
    assert b2drop().server == "https://b2drop.eudat.eu/remote.php/webdav/"
    assert onedata().server == "p.example.eu"


def test_a_job_without_storage_has_none() -> None:
    assert storage(None) is None


@pytest.mark.parametrize(
    "item",
    [
        {"type": "nfs", "mountpoint": "/data", "nfs": {}},
        {"type": "webdav", "mountpoint": "/data"},
        {"type": "webdav", "webdav": {"url": "u", "username": "n", "password": "p"}},
        {"type": "onedata", "mountpoint": "/data", "onedata": {"provider": "p"}},
    ],
)
def test_what_is_no_storage_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        storage(item)


def test_messages_name_the_server_and_nothing_secret_of_its_address() -> None:
    assert webdav("https://user:pw@h:1/d/?key=1#x").shown == "https://h:1/d/"
    assert onedata().shown == "p.example.eu"
