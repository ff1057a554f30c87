"""The tokens that running jobs carry: minted and verified by this service alone, with a secret of its own.

A job token is no user token and the other way round: this one is signed with HS256, which no issuer of users'
tokens may use, and carries an issuer and an audience of its own. It lives as long as its job may, cannot be
withdrawn before, and so must not be accepted for anything but what a job needs.
"""

import base64
import json
import math
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
from jwt.utils import base64url_encode

from identity.caller import Caller
from identity.claims import (
    LATEST_TIME,
    check_audience,
    check_signature,
    check_times,
    is_text,
    optional_text,
    read_unverified,
    required_text,
    text_list,
)
from identity.errors import Misconfigured, NotAuthenticated, Reason
from identity.private_files import create_private, read_private

ISSUER = "prominence"
AUDIENCE = "prominence-job"
_ALGORITHM = "HS256"
_HEADER = base64url_encode(json.dumps({"alg": _ALGORITHM, "typ": "JWT"}, separators=(",", ":")).encode())
_SIGNING = jwt.get_algorithm_by_name(_ALGORITHM)
_SETTING = "job_token_secret"
_SHORTEST_SECRET = 32  # bytes: as long as the digest, RFC 7518 section 3.2
_LEEWAY = 30.0  # seconds that the clocks of two API hosts may differ


class JobTokens:
    """Mints and verifies job tokens. Safe to use from many threads.

    secret: at least 32 bytes. Misconfigured where it is shorter, or is a published key by mistake.
    issuer, audience: what the tokens carry as `iss` and `aud`.
    clock: gives the time in epoch seconds. new_id: gives a new token's `jti`.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = secrets.token_urlsafe,
    ) -> None:
        if len(secret) < _SHORTEST_SECRET:
            raise Misconfigured(_SETTING, f"the secret is shorter than {_SHORTEST_SECRET} bytes")
        try:
            _SIGNING.prepare_key(secret)
        except jwt.InvalidKeyError:
            raise Misconfigured(_SETTING, "this is a key or certificate, not a secret") from None
        self._key = jwt.PyJWK({"kty": "oct", "k": base64.urlsafe_b64encode(secret).decode()}, algorithm=_ALGORITHM)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._new_id = new_id

    @classmethod
    def from_file(cls, path: Path, *, issuer: str = ISSUER, audience: str = AUDIENCE) -> "JobTokens":
        """With the secret in a file of mode 0600.

        Misconfigured: others may read it, or it is not there or short.
        """
        return cls(read_private(path, _SETTING), issuer=issuer, audience=audience)

    @property
    def issuer(self) -> str:
        """What these tokens carry as `iss`."""
        return self._issuer

    def mint(self, user: Caller, *, job: str, lifetime: float) -> str:
        """A token for the running job `job` (a reference, 1 to 255 printable characters) of `user`.

        It is good from now on for `lifetime` seconds. ValueError: a job cannot have tokens minted, or a
        lifetime that is not positive or leads beyond the year 9999, or a bad reference.
        """
        now = int(self._clock())
        if user.kind != "user":
            raise ValueError("a job token cannot beget another")
        if not 0 < lifetime <= LATEST_TIME - now:
            raise ValueError("the lifetime of a job token is a positive number of seconds")
        if not is_text(job):
            raise ValueError("the reference of a job is 1 to 255 printable characters")
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": user.subject,
            "user": user.username,
            "user_issuer": user.issuer,
            "groups": list(user.groups),
            "job": job,
            "iat": now,
            "exp": now + math.ceil(lifetime),
            "jti": self._new_id(),
        }
        if user.email is not None:
            claims["email"] = user.email
        return self._signed(claims)

    def _signed(self, claims: dict[str, Any]) -> str:
        """The token with these claims. What `jwt.encode` does, but for preparing the same key anew for every token."""
        body = base64url_encode(json.dumps(claims, separators=(",", ":")).encode())
        text = b".".join((_HEADER, body))
        return b".".join((text, base64url_encode(_SIGNING.sign(text, self._key.key)))).decode()

    def verify(self, token: str) -> Caller:
        """The job whose token this is, as a caller of kind "job".

        NotAuthenticated where it is not to be believed.
        """
        unverified = read_unverified(token)
        if unverified.issuer != self._issuer:
            raise NotAuthenticated(Reason.ISSUER)
        if unverified.header.get("alg") != _ALGORITHM:
            raise NotAuthenticated(Reason.ALGORITHM)
        if not check_signature(token, self._key):
            raise NotAuthenticated(Reason.SIGNATURE)
        claims = unverified.claims
        check_audience(claims, [self._audience])
        check_times(claims, self._clock(), _LEEWAY)
        return Caller(
            subject=required_text(claims, "sub"),
            issuer=required_text(claims, "user_issuer"),
            username=required_text(claims, "user"),
            groups=tuple(text_list(claims, "groups")),
            email=optional_text(claims, "email"),
            kind="job",
            job=required_text(claims, "job"),
        )


def create_secret(path: Path) -> None:
    """Make the file of a new random secret, mode 0600; one that is there already stays as it is. OSError."""
    create_private(path, secrets.token_urlsafe(48).encode())
