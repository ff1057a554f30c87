"""An issuer's published signing keys: a JSON Web Key Set (RFC 7517), parsed once. Pure."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

# RFC 7638, section 3.2: the members that make up a thumbprint.
_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
_MOST_KEYS = 64


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str | None
    key: jwt.PyJWK  # bound to one algorithm: a key that may sign with several stands here once for each


class KeySet:
    """The keys of one issuer that may verify a signature, each bound to an accepted algorithm."""

    def __init__(self, keys: Sequence[_Key]) -> None:
        self._keys = tuple(keys)
        self._kids = frozenset(key.kid for key in keys)

    @classmethod
    def parse(cls, document: object, algorithms: Sequence[str]) -> "KeySet":
        """The usable keys of a decoded JWKS. ValueError, with a reason, where it is none or no key is usable.

        Keys that are secret, for encryption or for other algorithms are left out: issuers publish such ones
        too.
        """
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise ValueError("what it answered is not a key set")
        keys = [key for each in listed[:_MOST_KEYS] for key in _usable(each, algorithms)]
        if not keys:
            raise ValueError("its key set has no usable key")
        return cls(keys)

    def knows(self, kid: str | None) -> bool:
        """Whether a key is published under `kid`; for a token that names none (None), whether any is."""
        return kid is None or kid in self._kids

    def find(self, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        """The keys for `algorithm` that may have made a signature: those named `kid`, or all for None."""
        return [each.key for each in self._keys if each.key.algorithm_name == algorithm and kid in (None, each.kid)]


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The RFC 7638 SHA-256 thumbprint of a key, base64url without padding.

    KeyError for an unknown kind of key.
    """
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def _usable(jwk: object, algorithms: Sequence[str]) -> list[_Key]:
    if not isinstance(jwk, dict) or jwk.get("kty") not in tuple(_THUMBPRINT_MEMBERS) or "d" in jwk:
        return []
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return []
    kid = jwk.get("kid")
    keys = []
    for algorithm in algorithms:
        if jwk.get("alg", algorithm) != algorithm:
            continue
        try:
            key = jwt.PyJWK(jwk, algorithm=algorithm)
        except jwt.PyJWTError:
            continue  # another kind of key than this algorithm's, or a broken one
        keys.append(_Key(kid if isinstance(kid, str) else None, key))
    return keys
