"""Tokens for workers: HTCondor IDTOKENS that let a machine advertise itself, and nothing else.

An IDTOKEN is a JWT signed with a key that HTCondor derives from the pool's signing key (HTCondor manual, "Token
Authentication"; src/condor_io/condor_auth_passwd.cpp). A worker whose identity is `worker-for-OWNER` serves the jobs of
OWNER alone: the collector notes the identity in the worker's ad, where it cannot be forged, and every job's requirements
look at it (`BOUND_TO_OWNER`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pool.attributes import AUTHENTICATED_IDENTITY

BOUND_PREFIX = "worker-for-"
"""How the identity of a worker begins that serves one user's jobs alone."""
BOUND_TO_OWNER = (
    f'(substr(TARGET.{AUTHENTICATED_IDENTITY}, 0, {len(BOUND_PREFIX)}) =!= "{BOUND_PREFIX}" || '
    f"substr(TARGET.{AUTHENTICATED_IDENTITY}, 0, size(MY.Owner) + {len(BOUND_PREFIX) + 1}) == "
    f'strcat("{BOUND_PREFIX}", MY.Owner, "@"))'
)
"""Clause of a job's requirements: the worker is bound to nobody, or to the job's owner."""

_KEY_NAME = "POOL"
_SCOPE = "condor:/ADVERTISE_STARTD condor:/ADVERTISE_MASTER"
_SCRAMBLE = bytes.fromhex("deadbeef")


class WorkerTokens:
    """Mints tokens for workers. `clock` gives epoch seconds; `new_id` a token's `jti`, by which it can be revoked."""

    def __init__(
        self,
        signing_key: bytes,
        domain: str,
        *,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._key = _derived(signing_key)
        self._domain = domain
        self._clock = clock
        self._new_id = new_id

    @classmethod
    def from_file(cls, signing_key: Path, domain: str) -> WorkerTokens:
        """With the pool's signing key in a file (0600), as HTCondor keeps it. OSError where it cannot be read."""
        return cls(signing_key.read_bytes(), domain)

    def mint_for(self, owner: str, lifetime: int) -> str:
        """A token for workers that serve the jobs of `owner` alone, good for `lifetime` seconds."""
        now = int(self._clock())
        claims = {
            "iss": self._domain,
            "sub": f"{BOUND_PREFIX}{owner}@{self._domain}",
            "scope": _SCOPE,
            "iat": now,
            "exp": now + lifetime,
            "jti": self._new_id(),
        }
        return jwt.encode(claims, self._key, algorithm="HS256", headers={"kid": _KEY_NAME})


def may_use(owner: str, identity: str | None) -> bool:
    """Whether jobs of `owner` may run on a worker of that authenticated identity: what BOUND_TO_OWNER says, here."""
    name = (identity or "").partition("@")[0]
    return not name.startswith(BOUND_PREFIX) or name == BOUND_PREFIX + owner


def _derived(stored: bytes) -> bytes:
    # HTCondor scrambles key files, ends a key at its first NUL, and doubles the key called POOL.
    clear = bytes(byte ^ _SCRAMBLE[place % len(_SCRAMBLE)] for place, byte in enumerate(stored)).split(b"\0")[0]
    return HKDF(hashes.SHA256(), length=32, salt=b"htcondor", info=b"master jwt").derive(clear * 2)
