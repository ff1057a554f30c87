"""From the names that people choose to the keys of the store, and which names are none.

    users/OWNER/NAME                 what a user uploaded: one component
    groups/GROUP/NAME                what a group shares: one or more components
    jobs/SUBMISSION/NAME             what a job left behind
    snapshots/SUBMISSION/NAME        an archive taken while a job ran
    checkpoints/SUBMISSION/…         what a job goes on from when it starts again

OWNER is the stable form of an identity that HTCondor uses as well; GROUP is escaped into one component. So no name leads out
of its owner's part, and no two owners share one, whatever "/" their names have in them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from api.objects.errors import InvalidName, NotInGroup

LONGEST_NAME = 700
"""Bytes of a name in UTF-8. Keys stay below 1,024 bytes, the limit of S3, with the longest group in front."""
_LONGEST_GROUP = 300

_NOT_IN_NAMES = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories: controls, halves of surrogate pairs, line and paragraph separators."""
_ENCODED = re.compile(r"%(?:00|2[ef]|5c)", re.IGNORECASE)
"""What a proxy that decodes once too often would turn into another name."""
_PLAIN = re.compile(r"[A-Za-z0-9_\-][A-Za-z0-9_.\-]*")


def check_name(name: str, field: str) -> str:
    """The name, which may be the end of a key; InvalidName with a sentence about `field` where it may not."""
    if not name:
        raise InvalidName(field, "must not be empty")
    if any(unicodedata.category(character) in _NOT_IN_NAMES for character in name):
        raise InvalidName(field, "must be Unicode text without control characters")
    if len(name.encode()) > LONGEST_NAME:
        raise InvalidName(field, f"must have at most {LONGEST_NAME} bytes in UTF-8")
    if "\\" in name:
        raise InvalidName(field, "must not contain a backslash: '/' separates folders")
    if _ENCODED.search(name):
        raise InvalidName(field, "must not contain a percent-encoded '.', '/', backslash or NUL")
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise InvalidName(field, "must not begin or end with '/', nor have '//', '.' or '..' as a part")
    return name


def owned_key(name: str, owner: str, groups: Iterable[str], field: str) -> str:
    """The key of an uploaded object. InvalidName, and NotInGroup where the name begins with no group of the caller's.

    A name without "/" is the caller's own. Where one group's name begins with another's, the longer one has it.
    """
    check_name(name, field)
    if "/" not in name:
        return user_prefix(owner) + name
    group = _group_of(name, groups)
    return group_prefix(group) + name[len(group) + 1 :]


def listed(path: str, groups: Iterable[str], field: str) -> tuple[str, str]:
    """What a listing of `path` shows: a group of the caller's, and the name within it ("" for all)."""
    path = path.rstrip("/")
    check_name(path, field)
    group = _group_of(f"{path}/", groups)
    return group, path[len(group) + 1 :]


def user_prefix(owner: str) -> str:
    """Where an owner's uploads are; `owner` as `identity.caller.owner_of` makes it."""
    return f"users/{owner}/"


def group_prefix(group: str) -> str:
    """Where a group's objects are. Any two groups have different ones, and none is within another."""
    return f"groups/{_component(group)}/"


def job_prefix(submission: str) -> str:
    """Where the outputs of a job are; `submission` is the service's own name of the job."""
    return f"jobs/{submission}/"


def snapshot_prefix(submission: str) -> str:
    """Where the snapshots of a job are."""
    return f"snapshots/{submission}/"


def checkpoint_key(submission: str) -> str:
    """The key of the one checkpoint of a job."""
    return f"checkpoints/{submission}/checkpoint.tgz"


def owner_prefix(key: str) -> str:
    """The part of a key that says whose it is, with the "/" at its end."""
    return "/".join(key.split("/", 2)[:2]) + "/"


def _group_of(name: str, groups: Iterable[str]) -> str:
    fitting = [group for group in groups if group and name.startswith(f"{group}/")]
    if not fitting:
        raise NotInGroup
    return max(fitting, key=len)


def _component(group: str) -> str:
    """One component for any text: plain names as they are; "=" begins the hexadecimal code of any other byte."""
    if _PLAIN.fullmatch(group):
        return group
    codes = "".join(chr(byte) if _is_plain(byte) else f"={byte:02X}" for byte in group.encode())
    if len(codes) > _LONGEST_GROUP:
        raise InvalidName("the name of the group", f"must have at most {_LONGEST_GROUP} characters, escaped")
    return codes


def _is_plain(byte: int) -> bool:
    return chr(byte).isascii() and (chr(byte).isalnum() or byte in b"_-")
