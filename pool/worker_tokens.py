"""Tokens for workers: HTCondor IDTOKENS that let a machine advertise itself, and nothing else.

An IDTOKEN is a JWT signed with a key that HTCondor derives from the pool's signing key (HTCondor manual, "Token
Authentication"; src/condor_io/condor_auth_passwd.cpp). Its identity says whose jobs the worker serves (`pool/binding.py`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pool import binding

_KEY_NAME = "POOL"
_SCOPE = "condor:/ADVERTISE_STARTD condor:/ADVERTISE_MASTER"
_SCRAMBLE = bytes.fromhex("deadbeef")


class WorkerTokens:
    """Mints tokens for workers. `signing_key` is the pool's, as HTCondor keeps it in a file; `clock` gives epoch seconds;
    `new_id` a token's `jti`, by which it can be revoked."""

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

    def mint(self, server: str, owner: str | None, group: str | None, lifetime: int) -> str:
        """A token for the worker on a server of the provisioner's, good for `lifetime` seconds.

        The worker serves the jobs of `owner` alone where one is given, and those under `group` (an accounting group) alone
        where one is given. Raises ValueError where a name is none that `pool.binding` knows.
        """
        return self._minted(binding.name_of(server, owner, group), lifetime)

    def mint_for(self, owner: str, lifetime: int) -> str:
        """A token for workers that `owner` starts, which serve that user's jobs alone, good for `lifetime` seconds."""
        return self._minted(binding.name_of(None, owner, None), lifetime)

    def _minted(self, name: str, lifetime: int) -> str:
        now = int(self._clock())
        claims = {
            "iss": self._domain,
            "sub": f"{name}@{self._domain}",
            "scope": _SCOPE,
            "iat": now,
            "exp": now + lifetime,
            "jti": self._new_id(),
        }
        return jwt.encode(claims, self._key, algorithm="HS256", headers={"kid": _KEY_NAME})


def _derived(stored: bytes) -> bytes:
    # HTCondor scrambles key files, ends a key at its first NUL, and doubles the key called POOL.
    clear = bytes(byte ^ _SCRAMBLE[place % len(_SCRAMBLE)] for place, byte in enumerate(stored)).split(b"\0")[0]
    return HKDF(hashes.SHA256(), length=32, salt=b"htcondor", info=b"master jwt").derive(clear * 2)
