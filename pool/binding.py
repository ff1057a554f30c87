"""Whose jobs a worker serves: its identity says so, and every job's requirements look at that. Pure.

The collector notes in a worker's ad as whom it authenticated, and a worker cannot forge that. `SERVER` is the provisioner's
id of the server that the worker runs on, 32 hexadecimal digits; an `OWNER` is a name by `identity.caller.owner_of`, a `GROUP`
one by `group_slug`, and neither has a `+` or an `@`.

    worker-SERVER@DOMAIN                     everybody's; so is any name that begins like none of the following
    worker-for-OWNER+SERVER@DOMAIN           those of one user
    worker-vo-GROUP+SERVER@DOMAIN            those of one virtual organisation
    worker-for-OWNER+vo-GROUP+SERVER@DOMAIN  those of one user under one virtual organisation
    worker-for-OWNER@DOMAIN                  those of one user, who started the worker

Names are compared by strcmp, which tells upper from lower case, and with which a job that has no group matches none: what is
undefined is the same as what is undefined to `=?=`. A claim is used again for jobs of the same user and group
alone, so a slot whose ad has lost the identity on the way to the schedd opens nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pool.attributes import AUTHENTICATED_IDENTITY

_WORKER, _FOR, _AND_GROUP = "worker-", "for-", "vo-"
_TO_USER = _WORKER + _FOR
_TO_GROUP = _WORKER + _AND_GROUP

_SERVER = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[a-z0-9_.-]+")

_WHO = f"TARGET.{AUTHENTICATED_IDENTITY}"
_AFTER_OWNER = f"size(MY.Owner) + {len(_TO_USER) + 1}"
"""Place in the identity of a worker bound to the job's owner behind the name and the `+`."""


def _owner_and(end: str) -> str:
    return f'strcmp(substr({_WHO}, 0, {_AFTER_OWNER}), strcat("{_TO_USER}", MY.Owner, "{end}")) == 0'


def _group_after(start: str, place: str) -> str:
    length = f"size(MY.AcctGroup) + {len(start) + 1}"
    return f'strcmp(substr({_WHO}, {place}, {length}), strcat("{start}", MY.AcctGroup, "+")) == 0'


SERVES = (
    f'ifThenElse(substr({_WHO}, 0, {len(_TO_USER)}) =?= "{_TO_USER}", '
    f"{_owner_and('@')} || ({_owner_and('+')} && "
    f'(substr({_WHO}, {_AFTER_OWNER}, {len(_AND_GROUP)}) =!= "{_AND_GROUP}" || {_group_after(_AND_GROUP, _AFTER_OWNER)})), '
    f'substr({_WHO}, 0, {len(_TO_GROUP)}) =!= "{_TO_GROUP}" || {_group_after(_TO_GROUP, "0")})'
)
"""Clause of a job's requirements: the worker is bound to nobody, or to the job's owner and group."""


def may_use(owner: str, group: str, identity: str | None) -> bool:
    """Whether jobs of `owner` under `group` may run on a worker of that authenticated identity: what SERVES says, here."""
    name = identity or ""
    if not name.startswith(_TO_USER):
        return not name.startswith(_TO_GROUP) or name.startswith(f"{_TO_GROUP}{group}+")
    if name.startswith(f"{_TO_USER}{owner}@"):
        return True
    bound, rest = name[: len(_TO_USER) + len(owner) + 1], name[len(_TO_USER) + len(owner) + 1 :]
    return bound == f"{_TO_USER}{owner}+" and (
        not rest.startswith(_AND_GROUP) or rest.startswith(f"{_AND_GROUP}{group}+")
    )


def name_of(server: str | None, owner: str | None, group: str | None) -> str:
    """The identity of a worker, without its domain. `server` is None for one that its owner starts.

    Raises ValueError where a part is not what it is to be: it would make the worker another's.
    """
    if server is None and (owner is None or group is not None):
        raise ValueError("a worker without a server is one that its owner starts")
    for part, shape in ((server, _SERVER), (owner, _NAME), (group, _NAME)):
        if part is not None and not shape.fullmatch(part):
            raise ValueError(f"{part!r} cannot stand in the identity of a worker")
    if owner is None:
        return f"worker-{server}" if group is None else f"{_TO_GROUP}{group}+{server}"
    parts = (_TO_USER + owner, None if group is None else _AND_GROUP + group, server)
    return "+".join(part for part in parts if part is not None)


class WorkerIdentity(NamedTuple):
    """The server, the owner and the group that an identity names; None where it names none."""

    server: str | None = None
    owner: str | None = None
    group: str | None = None


def parsed(identity: str | None) -> WorkerIdentity:
    """What an authenticated identity with its domain says; of any that is none of these forms, that it names nothing."""
    name = (identity or "").partition("@")[0]
    if not name.startswith(_WORKER):
        return WorkerIdentity()
    parts = name.removeprefix(_WORKER).split("+")
    server = parts.pop() if _SERVER.fullmatch(parts[-1]) else None
    owner = parts.pop(0).removeprefix(_FOR) if parts and parts[0].startswith(_FOR) else None
    group = parts[0].removeprefix(_AND_GROUP) if parts and parts[0].startswith(_AND_GROUP) else None
    return WorkerIdentity(server, owner, group)
