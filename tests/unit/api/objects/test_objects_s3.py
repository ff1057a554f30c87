"""The store in a bucket, over a real service that checks signatures."""

from __future__ import annotations

import socket
import time
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
import requests

from api.objects import s3
from api.objects.checksum import Checksum
from api.objects.errors import StorageUnavailable, TooLarge
from api.objects.s3 import S3Store, connect
from tests.unit.api.objects.conftest import ACCESS_KEY, BUCKET, SECRET_KEY


@pytest.fixture
def store(swift: str) -> S3Store:
    return S3Store(connect(swift, "us-east-1", ACCESS_KEY, SECRET_KEY), BUCKET, "tests/")


def upload(store: S3Store, key: str, lifetime: float = 60) -> str:
    link = store.upload_link(key, checksum=None, size=None, largest=100, lifetime=lifetime, plain=True)
    assert (link.method, dict(link.headers)) == ("PUT", {})
    return link.url


def put(store: S3Store, key: str, data: bytes) -> None:
    assert requests.put(upload(store, key), data=data, timeout=20).status_code == 200


@pytest.mark.parametrize(
    "key", ["users/a/b", "users/a/文件 ü.txt", "users/a/100%25+ &?#", "groups/a=2Fb/x", "users/a/~"]
)
def test_an_upload_is_found_listed_downloaded_and_deleted(store: S3Store, key: str) -> None:
    before = time.time()
    put(store, key, b"hello")
    found = store.find(key)
    assert found is not None
    assert (found.key, found.size) == (key, 5)
    assert abs(found.last_modified - before) < 60
    prefix = key[: key.rindex("/") + 1]
    listed = {entry.key: entry for entry in store.listing(prefix)}
    assert (listed[key].size, listed[key].etag) == (5, found.etag)
    got = requests.get(store.download_link(key, lifetime=60, filename="ü.txt"), timeout=20)
    assert (got.status_code, got.content) == (200, b"hello")
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith("attachment;")
    store.delete(key)
    store.delete(key)
    assert store.find(key) is None
    assert key not in {entry.key for entry in store.listing(prefix)}


def test_a_listing_has_all_pages_and_nothing_beside(store: S3Store) -> None:
    for number in range(20):
        put(store, f"groups/pages/{number:02}", b"x")
    put(store, "groups/pages2/x", b"x")
    assert sorted(entry.key for entry in store.listing("groups/pages/")) == [f"groups/pages/{n:02}" for n in range(20)]
    assert list(store.listing("groups/page/")) == []


def test_no_part_of_a_link_can_be_changed(store: S3Store) -> None:
    put(store, "users/a/mine", b"mine")
    url = store.download_link("users/a/mine", lifetime=60, filename="mine")
    split = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(split.query).items()}
    for name in query:
        changed = urlunsplit(split._replace(query=urlencode({**query, name: query[name] + "0"})))
        missing = urlunsplit(split._replace(query=urlencode({n: v for n, v in query.items() if n != name})))
        assert requests.get(changed, timeout=20).status_code in (400, 403)
        assert requests.get(missing, timeout=20).status_code in (400, 403)
    assert requests.get(url.replace("/a/mine", "/b/mine"), timeout=20).status_code == 403
    assert requests.put(url, data=b"x", timeout=20).status_code == 403
    assert requests.delete(url, timeout=20).status_code == 403
    assert requests.get(upload(store, "users/a/mine"), timeout=20).status_code == 403
    assert requests.get(url, timeout=20).content == b"mine"


def test_a_link_ends(store: S3Store) -> None:
    url = upload(store, "users/a/late", lifetime=1)
    deadline = time.monotonic() + 20
    while requests.put(url, data=b"x", timeout=20).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert requests.put(url, data=b"x", timeout=20).status_code == 403


def test_a_bound_checksum_and_size_are_checked_by_the_service(store: S3Store) -> None:
    checksum = Checksum.parse("2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824")
    link = store.upload_link("users/a/bound", checksum=checksum, size=5, largest=5, lifetime=60, plain=False)
    headers = dict(link.headers)
    assert requests.put(link.url, data=b"hello", timeout=20).status_code == 403
    assert requests.put(link.url, data=b"jello", headers=headers, timeout=20).status_code == 400
    assert requests.put(link.url, data=b"hello!", headers=headers, timeout=20).status_code == 403
    assert store.find("users/a/bound") is None
    assert requests.put(link.url, data=b"hello", headers=headers, timeout=20).status_code == 200


def test_a_plain_sender_gets_a_link_without_headers(store: S3Store) -> None:
    link = store.upload_link("users/a/p", checksum=Checksum.parse("0" * 32), size=5, largest=5, lifetime=60, plain=True)
    assert dict(link.headers) == {}
    assert requests.put(link.url, data=b"hello", timeout=20).status_code == 200


def test_a_size_beyond_the_limit_gets_no_link(store: S3Store) -> None:
    with pytest.raises(TooLarge):
        store.upload_link("users/a/x", checksum=None, size=6, largest=5, lifetime=60, plain=True)


def test_a_refused_key_or_a_missing_bucket_is_no_missing_object(swift: str) -> None:
    for wrong in (
        S3Store(connect(swift, "us-east-1", ACCESS_KEY, "another secret"), BUCKET),
        S3Store(connect(swift, "us-east-1", ACCESS_KEY, SECRET_KEY), "no-such-bucket"),
    ):
        with pytest.raises(StorageUnavailable):
            wrong.find("users/a/x")
        with pytest.raises(StorageUnavailable):
            list(wrong.listing("users/a/"))
        with pytest.raises(StorageUnavailable):
            wrong.delete("users/a/x")


def test_a_service_that_is_down_or_silent_is_said_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "READ_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            S3Store(connect(f"http://127.0.0.1:{port}", "us-east-1", "a", "b"), BUCKET).find("users/a/x")
    with pytest.raises(StorageUnavailable):
        list(S3Store(connect(f"http://127.0.0.1:{port}", "us-east-1", "a", "b"), BUCKET).listing("users/a/"))
    assert time.monotonic() - began < 20
