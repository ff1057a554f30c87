"""`/objects`: what the links of the local store lead to. The signature in a link is the right; no token is asked for."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from flask import Blueprint, Response, after_this_request, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import wrap_file

from api.objects.disposition import content_disposition
from api.objects.errors import Busy, LinkRefused, ObjectError, RangeRefused
from api.objects.links import Grant
from api.objects.local import LocalStore
from api.objects.names import owner_prefix
from api.objects.quota import Quota
from api.objects.store import Object
from api.routes.bodies import Body, limit_waits

_RANGE = re.compile(r"\s*bytes=\s*(?:[0-9]+-[0-9]*|-[0-9]+)\s*", re.ASCII)
"""One range of bytes. Anything else, several ranges too, may be ignored, and is: the whole object is answered."""


def blueprint(store: LocalStore, quota: Quota, *, largest: int, transfers: int, longest_upload: float) -> Blueprint:
    """The routes over `store`.

    `largest` bytes an object, `transfers` at once in this process, so that slow ones leave threads to other requests, and
    `longest_upload` seconds each.
    """
    routes = Blueprint("objects", __name__, url_prefix="/objects")
    slots = _Slots(transfers)

    @routes.put("/<path:key>", merge_slashes=False)
    def put(key: str) -> Response:
        """Store the body. 200; 400 wrong checksum or size, 403 bad link, 413 too large, 503 disk full."""
        body = Body(request, longest_upload)
        try:
            grant = store.granted("PUT", key, request.args.to_dict(flat=False))
            with slots.taken():
                owner = owner_prefix(key)
                stored = store.receive(grant, body, body.announced, min(largest, quota.room(owner)))
                quota.add(owner, stored.size)
        except ObjectError as error:
            after_this_request(_closing)
            if not isinstance(error, LinkRefused | Busy):
                body.drain()
            raise
        response = Response(status=200)
        response.set_etag(stored.etag)
        return response

    @routes.get("/<path:key>", merge_slashes=False)
    def get(key: str) -> Response:
        """The object, or ranges of it; also answers HEAD."""
        limit_waits(request)
        grant = store.granted("GET", key, request.args.to_dict(flat=False))
        slots.take()
        try:
            descriptor, found = store.open(key)
        except ObjectError:
            slots.release()
            raise
        # From here on the file gives the slot back, however it comes to be closed.
        return _file(_SlotFile(descriptor, slots.release), found, grant)

    return routes


class _Slots:
    """A number of transfers that may run at once."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._free = threading.Semaphore(number)

    def take(self) -> None:
        """Takes a slot; Busy where none is free."""
        if not self._free.acquire(blocking=False):
            raise Busy(self._number)

    def release(self) -> None:
        """Gives a slot back."""
        self._free.release()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """With a slot."""
        self.take()
        try:
            yield
        finally:
            self.release()


class _SlotFile(io.FileIO):
    """A file to be sent. The server closes it after the last byte; an answer without a body lets it be collected."""

    def __init__(self, descriptor: int, given_back: Callable[[], None]) -> None:
        super().__init__(descriptor, "rb")
        self._give_back: Callable[[], None] | None = given_back

    def close(self) -> None:
        """Closes the file, and gives the slot back once."""
        super().close()
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


def _file(file: _SlotFile, found: Object, grant: Grant) -> Response:
    response = Response(wrap_file(request.environ, file), mimetype="application/octet-stream", direct_passthrough=True)
    response.content_length = found.size
    response.last_modified = datetime.fromtimestamp(found.last_modified, UTC)
    response.set_etag(found.etag)
    response.headers["Content-Disposition"] = content_disposition(grant.filename)
    # Whatever people store, it must not become a page of this service.
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-cache"
    environ = request.environ
    if not _RANGE.fullmatch(environ.get("HTTP_RANGE", "")):
        environ = {name: value for name, value in environ.items() if name != "HTTP_RANGE"}
    try:
        response.make_conditional(environ, accept_ranges=True, complete_length=found.size)
    except RequestedRangeNotSatisfiable:
        file.close()
        after_this_request(_sized(found.size))
        raise RangeRefused(found.size) from None
    return response


def _sized(size: int) -> Callable[[Response], Response]:
    def add(response: Response) -> Response:
        response.headers["Content-Range"] = f"bytes */{size}"
        return response

    return add


def _closing(response: Response) -> Response:
    """The rest of the body may still be on its way: the next request cannot follow it."""
    response.headers["Connection"] = "close"
    return response
