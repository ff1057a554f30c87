"""Links to objects that this service serves itself: URLs that carry what they allow, under a signature. Pure.

The signature is HMAC-SHA-256 over method, key, expiry, checksum, size, limit and file name, so none of them can be changed,
left out or added. Whoever has the link has the right, until it expires; it opens nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Literal
from urllib.parse import quote, urlencode

from api.objects.checksum import Checksum
from api.objects.errors import LinkExpired, LinkRefused

Method = Literal["PUT", "GET"]

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_SHORT = {"expires": "e", "checksum": "c", "size": "n", "largest": "m", "filename": "f", "signature": "s"}
"""Names of the query's parameters."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a link allows: to PUT or GET `key` before `expires` (epoch seconds).

    An upload must have `size` bytes, unless None, at most `largest`, and the checksum with this hexadecimal digest, unless "".
    A download is saved as `filename`.
    """

    method: Method
    key: str
    expires: int
    checksum: str = ""
    size: int | None = None
    largest: int | None = None
    filename: str = ""


def expiry(now: float, lifetime: float) -> int:
    """The whole second, in epoch seconds, up to which a link made now is good."""
    return math.ceil(now + lifetime)


def path_and_query(grant: Grant, secret: bytes) -> str:
    """The end of the URL: the key as a path, and a query."""
    given = {_SHORT[name]: value for name, value in asdict(grant).items() if name in _SHORT and value not in ("", None)}
    return f"{quote(grant.key, safe='/')}?{urlencode({**given, _SHORT['signature']: _signature(grant, secret)})}"


def granted(method: Method, key: str, query: Mapping[str, list[str]], secret: bytes, now: float) -> Grant:
    """What a request may do. LinkRefused where the signature does not hold, LinkExpired where it held once.

    `query` has each parameter with all of its values, decoded.
    """
    if any(len(values) != 1 for values in query.values()) or not query.keys() <= set(_SHORT.values()):
        raise LinkRefused
    given = {name: query[short][0] for name, short in _SHORT.items() if short in query}
    signature = given.pop("signature", "")
    expires = _number(given.get("expires"))
    if expires is None:
        raise LinkRefused
    grant = replace(
        Grant(method, key, expires),
        checksum=given.get("checksum", ""),
        size=_number(given.get("size")),
        largest=_number(given.get("largest")),
        filename=given.get("filename", ""),
    )
    if not hmac.compare_digest(_signature(grant, secret).encode(), signature.encode("utf-8", "replace")):
        raise LinkRefused
    if now >= expires:
        raise LinkExpired
    return grant


def checksum_of(grant: Grant) -> Checksum | None:
    """The checksum that an upload must have."""
    return Checksum.parse(grant.checksum) if grant.checksum else None


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise LinkRefused
    return int(text)


def _signature(grant: Grant, secret: bytes) -> str:
    # A list in JSON reads in one way only, whatever stands in key and file name; ASCII has a form for every text.
    signed = json.dumps(["prominence-object-1", *asdict(grant).values()])
    return hmac.new(secret, signed.encode(), hashlib.sha256).hexdigest()
