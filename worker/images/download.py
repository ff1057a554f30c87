"""Images at an http or https address: fetched once for as long as the server says that the file is the same."""

from __future__ import annotations

import hashlib
from http.client import HTTPResponse
from pathlib import Path
from typing import Optional
from urllib.parse import urlsplit

from worker.errors import ImageNetworkError
from worker.images import archive, web
from worker.images.reference import Url
from worker.images.retry import retrying
from worker.images.source import Image, Source, check_sha256
from worker.images.store import Store, disk_errors

_CHUNK = 1 << 20


def obtain(named: Url, expected: str, source: Source) -> Image:
    """The image behind an address, whose file must have the SHA-256 ``expected`` if that is not empty.

    The server is always asked, so an image that it would not give to this job is not given from the store either.
    Raises ImageError.
    """
    store = Store(source.cache)
    key = retrying(lambda: state_key(named.text), source.log)
    file = source.scratch.tools / "download"

    def unpack(target: Path) -> str:
        found = retrying(lambda: fetch(named.text, file), source.log)
        return _unpack(found, target)

    def _unpack(found: str, target: Path) -> str:
        check_sha256(named.text, expected, found)
        archive.unpack(named.text, file, target, source)
        return found

    try:
        with disk_errors(named.text):
            if key is None:
                found = retrying(lambda: fetch(named.text, file), source.log)
                image = store.obtain(f"content-{found}", named.text, lambda target: _unpack(found, target))
            else:
                image = store.obtain(f"url-{key}", named.text, unpack)
    finally:
        file.unlink(missing_ok=True)
    check_sha256(named.text, expected, image.sha256)
    return image


def fetch(url: str, file: Path) -> str:
    """Download to ``file``; the SHA-256 of what came, hexadecimal. Raises ImageError, also for a short answer."""
    digest = hashlib.sha256()
    size = 0
    with web.ask(url, "GET", url, {}) as response:
        _check(url, response)
        with disk_errors(url), file.open("wb") as written:
            for chunk in iter(lambda: response.read(_CHUNK), b""):
                written.write(chunk)
                digest.update(chunk)
                size += len(chunk)
    length = response.headers.get("Content-Length")
    if length is not None and length != str(size):
        raise ImageNetworkError(url, _host(url), f"it sent {size} of {length} bytes")
    return digest.hexdigest()


def state_key(url: str) -> Optional[str]:
    """A name for the file as the server has it now, or None where the server does not tell one state from another.

    The file is asked for and the answer's body left unread: signed addresses often allow GET and nothing else.
    """
    with web.ask(url, "GET", url, {}) as response:
        _check(url, response)
        headers = response.headers
        seen = [headers.get(name) or "" for name in ("ETag", "Last-Modified", "Content-Length")]
    if not (seen[0] or seen[1]):
        return None
    return hashlib.sha256("\0".join([url, *seen]).encode()).hexdigest()


def _check(url: str, response: HTTPResponse) -> None:
    if response.status != 200:
        raise web.refusal(url, response, _host(url), credential_given=False)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
