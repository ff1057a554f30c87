"""Storage as tests of the worker ask for it."""

from __future__ import annotations

from worker.storage.documents import Storage, storage

SECRET = "S3CRET"


def webdav(url: str = "http://h/d/", mountpoint: str = "/data") -> Storage:
    """WebDAV storage of the user ada."""
    credentials = {"url": url, "username": "ada", "password": SECRET}
    made = storage({"type": "webdav", "mountpoint": mountpoint, "webdav": credentials})
    assert made is not None
    return made


def b2drop() -> Storage:
    """B2DROP storage of the user ada."""
    credentials = {"app-username": "ada", "app-password": SECRET}
    made = storage({"type": "b2drop", "mountpoint": "/data", "b2drop": credentials})
    assert made is not None
    return made


def onedata() -> Storage:
    """Onedata storage."""
    made = storage({"type": "onedata", "mountpoint": "/data", "onedata": {"provider": "p.example.eu", "token": SECRET}})
    assert made is not None
    return made
