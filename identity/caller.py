"""The caller of a request, and the names that HTCondor knows users and virtual organisations by.

A user is the pair (issuer, subject): everything else in a token may change or be shared. HTCondor wants one
short name, so `owner_of` makes one that is stable and that no second user can come to have:

- a *plain* name stands for itself. It is lower case, because ClassAds compare strings without regard to case,
  and never contains "-";
- everything else becomes a readable slug, "-", and a digest of what it stands for.

Names that HTCondor or this service give a meaning to are never an owner, in either form: a worker's own
identity begins with "worker-", and the pool's rules are written for that prefix.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["user", "job"]

_PLAIN_OWNER = re.compile(r"[a-z_][a-z0-9_.]{0,31}")
_PLAIN_GROUP = re.compile(r"[a-z][a-z0-9]*(?:\.[a-z0-9]+)*")
_GROUP_LENGTH = 64  # characters of a plain group name
_RESERVED = frozenset(
    {
        "root",
        "provisioner",
        "nobody",
        "daemon",
        "admin",
        "administrator",
        "anonymous",
        "unauthenticated",
        "unmapped",
        "system",
    }
)
_RESERVED_PREFIXES = ("worker", "condor", "prominence")
_SLUG_LENGTH = 20  # characters
_DIGEST_LENGTH = 10  # characters of base32: 50 bits


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as far as a verified token says so.

    `issuer` and `subject` together are the identity. `username` and `email` are for display and for notices;
    two callers may share them. `groups` are the virtual organisations the caller is in, in the order of the
    configuration. `job` is the reference of the running job that a job token was minted for, and None for a
    user.
    """

    subject: str
    issuer: str
    username: str
    groups: tuple[str, ...]
    email: str | None = None
    kind: Kind = "user"
    job: str | None = None


def owner_of(issuer: str, subject: str, primary_issuer: str) -> str:
    """The HTCondor `Owner` of a user: at most 33 characters of `[a-z0-9_.-]`, the first one of `[a-z_]`.

    A plain subject of the primary issuer stands for itself; anyone else gets a digest of issuer and subject.
    """
    if issuer == primary_issuer and _is_plain_owner(subject):
        return subject
    return _hashed(subject, f"{issuer}\0{subject}")


def group_slug(vo: str) -> str:
    """The HTCondor accounting group of a virtual organisation: `[a-z0-9_-]` alone, at most 64 characters.

    HTCondor takes a dot for a level of its hierarchy, so dots become underscores. No two organisations come
    out alike: only a lower-case name without underscores and hyphens is written that way, any other carries a
    digest.
    """
    if len(vo) <= _GROUP_LENGTH and _PLAIN_GROUP.fullmatch(vo):
        return vo.replace(".", "_")
    return _hashed(vo, vo)


def _is_plain_owner(name: str) -> bool:
    tidy = not name.endswith(".") and ".." not in name
    return tidy and _PLAIN_OWNER.fullmatch(name) is not None and not _is_reserved(name)


def _is_reserved(name: str) -> bool:
    return name in _RESERVED or name.startswith(_RESERVED_PREFIXES)


def _hashed(shown: str, digested: str) -> str:
    """`<slug>-<digest>`. The slug alone never decides who it is, and never reads as a reserved name."""
    slug = re.sub(r"[^a-z0-9]+", "_", shown.lower()).strip("_")[:_SLUG_LENGTH].rstrip("_")
    if not _is_plain_owner(slug):
        slug = f"u_{slug}"
    # A lone surrogate cannot be in a verified subject, but this function has an answer for every string.
    digest = hashlib.sha256(digested.encode("utf-8", "surrogatepass")).digest()
    return f"{slug}-{base64.b32encode(digest).decode().lower()[:_DIGEST_LENGTH]}"
