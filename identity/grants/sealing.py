"""How refresh tokens are encrypted where they are kept: Fernet (AES-CBC with an HMAC), with keys in a file of mode 0600.

The file has a key a line, the newest first: that one encrypts, all of them decrypt. It is read at each use, so that keys
change without a restart. What is encrypted names the user as well: whoever can write to the database, and does not have
the keys, cannot give one user the grant of another.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from identity.errors import Misconfigured
from identity.private_files import create_private, held, read_private, replace_private

SETTING = "grants.key_file"
KEPT = 2
"""Keys in the file after a rotation: what was encrypted with the last key, a moment before it changed, is readable."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A refresh token, and whose it is."""

    issuer: str
    subject: str
    token: str = field(repr=False)


class Keys:
    """Encrypts with the newest of some keys, and decrypts with all of them."""

    def __init__(self, fernets: Sequence[Fernet]) -> None:
        self._fernets = MultiFernet(fernets)

    @classmethod
    def of(cls, file: Path) -> Keys:
        """The keys in a file as it is now. Misconfigured where they cannot be used."""
        return cls([_fernet(line, file) for line in read_keys(file)])

    def seal(self, what: Sealed) -> bytes:
        """Encrypts."""
        return self._fernets.encrypt(json.dumps([what.issuer, what.subject, what.token]).encode())

    def unseal(self, sealed: bytes, issuer: str, subject: str) -> str | None:
        """The refresh token of that user; None where no key decrypts it, or where it is another user's."""
        try:
            found = json.loads(self._fernets.decrypt(sealed))
        except InvalidToken:
            return None
        return str(found[2]) if found[:2] == [issuer, subject] else None


def read_keys(file: Path) -> Sequence[bytes]:
    """The keys in a file, newest first. Misconfigured: none there, or others may read them."""
    keys = read_private(file, SETTING).split()
    if not keys:
        raise Misconfigured(SETTING, f"{file} is empty: run `prominence-admin grants rotate`")
    return keys


def add_key(file: Path) -> None:
    """Puts a new key in front of those in the file, which is made where there is none. OSError, Misconfigured."""
    new = Fernet.generate_key()
    with held(file):
        if file.exists():
            replace_private(file, b"\n".join([new, *read_keys(file)]) + b"\n")
        else:
            create_private(file, new + b"\n")


def drop_keys(file: Path, kept: int = KEPT) -> None:
    """Takes all keys but the newest `kept` out of the file. OSError, Misconfigured."""
    with held(file):
        replace_private(file, b"\n".join(read_keys(file)[:kept]) + b"\n")


def _fernet(key: bytes, file: Path) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise Misconfigured(SETTING, f"a line of {file} is no key") from None
