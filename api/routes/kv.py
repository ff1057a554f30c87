"""`/kv`: the key-value store. Keys are paths below it, values are bytes.

A key is taken from the address as it was sent, before anything decodes or tidies it: what could mean two keys is refused.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from typing import NoReturn

from flask import Blueprint, Response, jsonify, request

from api.errors import ApiError, InvalidParameter
from api.records.errors import LimitReached
from api.records.pairs import Pairs
from identity.caller import Caller


class NoSuchKey(ApiError):
    """There is no such key of the caller's."""

    status = 404
    code = "noSuchKey"

    def __init__(self) -> None:
        super().__init__("No such key")


class ValueChanged(ApiError):
    """The value is not what the caller says it was."""

    code = "valueChanged"

    def __init__(self) -> None:
        super().__init__("The value of the key is not the one in prev: read it again, and try with that.", "prev")


def blueprint(pairs: Pairs, caller: Callable[[], Caller]) -> Blueprint:
    """The routes over `pairs`; `caller()` gives the authenticated caller, a user or a running job, or raises."""
    routes = Blueprint("kv", __name__, url_prefix="/kv")

    @routes.get("/<path:path>", merge_slashes=False)
    def get(path: str) -> Response:
        """The value of a key, 404 where there is none; with `list` the keys that begin with it, with `values` theirs too."""
        user = _user(caller())
        if "list" in request.args:
            return _listed(pairs, user, _key(path, prefix=True), "values" in request.args)
        value = pairs.get(user, _key(path))
        if value is None:
            raise NoSuchKey
        return Response(value, mimetype="application/octet-stream", headers={"X-Content-Type-Options": "nosniff"})

    # Two endpoints: Werkzeug would redirect from one rule of an endpoint to another.
    routes.add_url_rule("", "top", lambda: get(""))
    routes.add_url_rule("/", "top_slash", lambda: get(""))

    @routes.post("/<path:path>", merge_slashes=False)
    def put(path: str) -> tuple[Response, int]:
        """Sets a key to the body. With `prev` only where its value is that: 400 where it is not."""
        user, key, value = _user(caller()), _key(path), request.get_data()
        if not value:
            raise InvalidParameter("Send the value as the body: an empty one cannot be stored.")
        previous = _previous()
        try:
            if previous is None:
                pairs.put(user, key, value)
            elif not pairs.replace(user, key, previous, value):
                raise ValueChanged
        except LimitReached as error:
            _refuse(error)
        return jsonify({}), 201

    @routes.delete("/<path:path>", merge_slashes=False)
    def delete(path: str) -> Response:
        """Removes a key; with `prefix` everything below it, too."""
        user = _user(caller())
        if "prefix" in request.args:
            pairs.remove_below(user, _key(path, prefix=True))
        else:
            pairs.remove(user, _key(path))
        return jsonify({})

    return routes


def _user(caller: Caller) -> tuple[str, str]:
    return caller.issuer, caller.subject


def _listed(pairs: Pairs, user: tuple[str, str], prefix: str, values: bool) -> Response:
    if not values:
        return jsonify([f"/{key}" for key in pairs.keys(user, prefix)])
    try:
        return jsonify([{f"/{key}": _text(value)} for key, value in pairs.items(user, prefix)])
    except LimitReached as error:
        _refuse(error)


def _text(value: bytes) -> str | None:
    """A value in a list; None where it is no text, and must be asked for by itself."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _refuse(error: LimitReached) -> NoReturn:
    raise InvalidParameter(str(error)) from error


def _key(routed: str, prefix: bool = False) -> str:
    """The key in the address of the request, of which routing made `routed`; a `prefix` may be empty or end in a slash."""
    sent = _sent(request.environ, routed)
    below = prefix and sent.endswith("/")
    names = [_part(part) for part in (sent[:-1] if below else sent).split("/")] if sent else []
    if not names and not prefix:
        raise InvalidParameter("Name a key, as in /kv/some/key, or ask for a list with ?list.")
    if any(name in ("", ".", "..") for name in names):
        raise InvalidParameter("A key is a path of names with single slashes between them, without '.' and '..'.")
    key = "/".join(names) + ("/" if below else "")
    if key != routed:
        raise InvalidParameter("The address can be read in two ways: write it as /prominence/v1/kv/ and the key.")
    return key


def _sent(environ: Mapping[str, object], routed: str) -> str:
    """The key as it was sent, still percent-encoded."""
    if not routed:
        return ""
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if not isinstance(sent, str):
        raise InvalidParameter("This server does not say how the address was sent: keys cannot be told apart safely.")
    return urllib.parse.urlsplit(sent).path.partition("/kv/")[2]


def _part(sent: str) -> str:
    try:
        part = urllib.parse.unquote_to_bytes(sent).decode()
    except UnicodeDecodeError as error:
        raise InvalidParameter("A key is text in UTF-8.") from error
    if "/" in part or not part.isprintable():
        raise InvalidParameter("A key is made of printable characters; a slash in it cannot be written as %2F.")
    return part


def _previous() -> bytes | None:
    """The bytes of the parameter `prev`, whatever they are; None where it is not there."""
    for name, value in _pairs(request.query_string):
        if name == b"prev":
            return value
    return None


def _pairs(query: bytes) -> list[tuple[bytes, bytes]]:
    parts = [part.partition(b"=") for part in query.split(b"&")]
    return [(_unquoted(name), _unquoted(value)) for name, _, value in parts]


def _unquoted(text: bytes) -> bytes:
    return urllib.parse.unquote_to_bytes(text.replace(b"+", b" "))
