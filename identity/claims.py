"""What a token says: read without believing it, then checked claim by claim. Pure; time is a parameter.

Signatures are somebody else's (`identity.tokens`, `identity.job_tokens`); here are the rules for the rest:
RFC 7519 for the times and the audience, OpenID Connect Core for the subject, AARC-G002 for the entitlements.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from identity.errors import NotAuthenticated, Reason

Claims = Mapping[str, Any]

LARGEST_TOKEN = 16 * 1024  # characters; refused before anything is parsed
LATEST_TIME = 253_402_300_799  # epoch seconds: the end of the year 9999; beyond it, seconds were not meant
_LONGEST_TEXT = 255  # characters of a subject, a name, an e-mail address
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]+) *", re.IGNORECASE | re.ASCII)
_SIGNATURES = jwt.PyJWS()


@dataclass(frozen=True, slots=True)
class Unverified:
    """What stands in a token whose signature nobody has looked at: good for choosing a key, and no more."""

    header: Claims
    claims: Claims

    @property
    def issuer(self) -> str | None:
        """The issuer that the token names, or None where it names none or names it badly."""
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else None


def bearer_token(authorization: str | None) -> str:
    """The token in an `Authorization` header.

    NotAuthenticated: none, another scheme, too large, odd characters.
    """
    if authorization is None or not authorization.strip():
        raise NotAuthenticated(Reason.MISSING)
    if len(authorization) > LARGEST_TOKEN:
        raise NotAuthenticated(Reason.MALFORMED, f"This token is larger than {LARGEST_TOKEN} characters.")
    if authorization[:6].lower() != "bearer":
        raise NotAuthenticated(Reason.MISSING)
    match = _BEARER.fullmatch(authorization)
    if match is None:
        raise NotAuthenticated(Reason.MALFORMED)
    return match[1]


def read_unverified(token: str) -> Unverified:
    """The header and claims of a compact JWS.

    NotAuthenticated where it is none, or its payload is no JSON object.
    """
    if len(token) > LARGEST_TOKEN:
        raise NotAuthenticated(Reason.MALFORMED, f"This token is larger than {LARGEST_TOKEN} characters.")
    try:
        parts = _SIGNATURES.decode_complete(token, options={"verify_signature": False})
        claims = json.loads(parts["payload"])
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise NotAuthenticated(Reason.MALFORMED) from None
    if not isinstance(claims, dict):
        raise NotAuthenticated(Reason.MALFORMED)
    return Unverified(parts["header"], claims)


def check_signature(token: str, key: jwt.PyJWK) -> bool:
    """Whether `key`, with the one algorithm it is bound to, made the signature of `token`.

    A key too short for its algorithm verifies nothing.
    """
    try:
        _SIGNATURES.decode_complete(
            token,
            key=key,
            algorithms=[key.algorithm_name],
            options={"verify_signature": True, "enforce_minimum_key_length": True},
        )
    except jwt.PyJWTError:
        return False
    return True


def check_times(claims: Claims, now: float, leeway: float) -> float:
    """When the token expires, in epoch seconds.

    NotAuthenticated where it has expired, is not valid yet, or does not say. `leeway` is how many seconds the
    issuer's clock may differ from ours, either way.
    """
    expires = _time(claims, "exp")
    if expires is None:
        raise NotAuthenticated(Reason.CLAIMS, "This token has no time of expiry: get a new access token.")
    if expires <= now - leeway:
        raise NotAuthenticated(Reason.EXPIRED)
    for name in ("nbf", "iat"):
        begins = _time(claims, name)
        if begins is not None and begins > now + leeway:
            raise NotAuthenticated(Reason.NOT_YET_VALID)
    return expires


def check_audience(claims: Claims, accepted: Sequence[str]) -> None:
    """NotAuthenticated unless one of the token's audiences (a string or a list of them) is accepted."""
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not all(isinstance(each, str) for each in audiences):
        raise NotAuthenticated(Reason.AUDIENCE)
    if not set(audiences) & set(accepted):
        raise NotAuthenticated(Reason.AUDIENCE)


def required_text(claims: Claims, name: str) -> str:
    """A claim that must be 1 to 255 printable characters. NotAuthenticated where it is not."""
    text = optional_text(claims, name)
    if text is None:
        raise NotAuthenticated(Reason.CLAIMS)
    return text


def optional_text(claims: Claims, name: str) -> str | None:
    """A claim for display, or None where it is missing or not 1 to 255 printable characters."""
    value = claims.get(name)
    if not isinstance(value, str) or not is_text(value):
        return None
    return value


def is_text(value: str) -> bool:
    """Whether `value` is 1 to 255 characters, all printable: no control characters, no lone surrogates."""
    return 0 < len(value) <= _LONGEST_TEXT and value.isprintable()


def text_list(claims: Claims, name: str) -> list[str]:
    """The strings of a claim that is a list, or a single string; anything else counts for nothing."""
    value = claims.get(name)
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]


def _time(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Large integers do not fit a float, so the bounds are compared before anything is converted.
    if not is_number or not 0 <= value <= LATEST_TIME or not math.isfinite(value):
        raise NotAuthenticated(Reason.CLAIMS, f"The time '{name}' of this token is not in epoch seconds.")
    return float(value)
