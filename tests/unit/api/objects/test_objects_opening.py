"""From settings to a store: what is refused, and that no secret stands in the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from api.objects.local import LocalStore
from api.objects.opening import open_local, open_s3
from api.objects.s3 import S3Store
from api.objects.settings import LocalStorage, S3Storage, Storage
from identity.errors import Misconfigured

ADAPTER: TypeAdapter[Any] = TypeAdapter(Storage)


def private(path: Path, text: str, mode: int = 0o600) -> Path:
    path.touch(mode)
    path.write_text(text)
    return path


def test_each_kind_opens(tmp_path: Path) -> None:
    secret = private(tmp_path / "secret", "s" * 32)
    local = ADAPTER.validate_python({"kind": "local", "root": str(tmp_path / "root"), "signing_secret": str(secret)})
    assert isinstance(local, LocalStorage)
    assert isinstance(open_local(local, "https://api.example/objects"), LocalStore)
    credentials = private(tmp_path / "credentials", 'access_key = "a"\nsecret_key = "b"\n')
    bucket = {"kind": "s3", "endpoint": "https://s3.example", "bucket": "b", "credentials": str(credentials)}
    settings = ADAPTER.validate_python(bucket)
    assert isinstance(settings, S3Storage)
    store = open_s3(settings)
    assert isinstance(store, S3Store)
    link = store.download_link("users/a/x", lifetime=60, filename="x")
    assert link.startswith("https://s3.example/b/users/a/x?")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "ftp"},
        {"kind": "local"},
        {"kind": "local", "root": "/x", "signing_secret": "/y", "bucket": "b"},
        {"kind": "local", "root": "/x", "signing_secret": "/y", "largest_object": 0},
        {"kind": "s3", "bucket": "b"},
        {"kind": "s3", "bucket": "", "credentials": "/x"},
        {"kind": "s3", "bucket": "b", "credentials": "/x", "prefix": "a"},
        {"kind": "s3", "bucket": "b", "credentials": "/x", "prefix": "/"},
        {"kind": "s3", "bucket": "b", "credentials": "/x", "secret_key": "no place for this"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(wrong)


@pytest.mark.parametrize(("text", "mode"), [("s" * 31, 0o600), ("s" * 32, 0o644)])
def test_a_signing_secret_that_is_short_or_open_to_others_is_refused(tmp_path: Path, text: str, mode: int) -> None:
    secret = private(tmp_path / "secret", text, mode)
    with pytest.raises(Misconfigured) as refused:
        open_local(LocalStorage(kind="local", root=tmp_path / "root", signing_secret=secret), "https://api.example")
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "hunter2", 'access_key = "a"', 'access_key = "a"\nsecret_key = ""', 'access_key = 1\nsecret_key = "hunter2"',
             'access_key = "a"\nsecret_key = "hunter2"\nmore = 1']
)  # fmt: skip
def test_credentials_that_cannot_be_used_are_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    credentials = private(tmp_path / "credentials", text)
    with pytest.raises(Misconfigured) as refused:
        open_s3(S3Storage(kind="s3", bucket="b", credentials=credentials))
    assert "hunter2" not in str(refused.value)
