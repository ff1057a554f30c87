"""Images at an http or https address: fetched once for as long as the server says that the file is the same."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ContextManager, Dict, Optional

from worker.images import archive, web
from worker.images.fetch import Wanted, fetch
from worker.images.reference import Url
from worker.images.retry import retrying
from worker.images.source import Image, Source, check_sha256
from worker.images.store import CONTENT, Store
from worker.staging import wire
from worker.staging.terms import Pace, Terms


def obtain(named: Url, expected: str, source: Source, pace: Pace = web.TRANSFER) -> Image:
    """The image behind an address, whose file must have the SHA-256 ``expected`` if that is not empty.

    The server is always asked, so an image that it would not give to this job is not given from the store either.
    Raises ImageError.
    """
    state = retrying(lambda: state_of(named.text), source.log)
    store = Store(source.cache, source.kept.locks)
    file = source.scratch.tools / "download"

    def load() -> str:
        found = fetch(Wanted(named.text), ask, file, terms, source.progress)
        check_sha256(named.text, expected, found)
        return found

    def ask(headers: Dict[str, str]) -> ContextManager[wire.Reply]:
        return wire.ask("GET", named.text, headers, pace)

    def unpack(target: Path) -> None:
        archive.unpack(named.text, file, target, source)

    terms = Terms(source.eviction.check, source.log, pace, web.TRIES)
    try:
        if state is None:
            image = store.obtain(f"{CONTENT}-{load()}", named.text, unpack)
        else:
            image = store.obtain_named(f"url-{state}", named.text, load, unpack)
    finally:
        file.unlink(missing_ok=True)
    check_sha256(named.text, expected, image.sha256)
    return image


def state_of(url: str) -> Optional[str]:
    """A name for the file as the server has it now, or None where the server does not tell one state from another.

    The file is asked for and the answer's body left unread: signed addresses often allow GET and nothing else. Raises
    ImageError.
    """
    with web.network_errors(url), wire.ask("GET", url, {}, web.QUESTION) as reply:
        if reply.status != 200:
            raise web.refusal(url, reply, wire.host(url), credential_given=False)
        headers = reply.headers
        seen = [headers.get(name) or "" for name in ("ETag", "Last-Modified", "Content-Length")]
    if not (seen[0] or seen[1]):
        return None
    return hashlib.sha256("\0".join([url, *seen]).encode()).hexdigest()
