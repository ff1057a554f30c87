"""A job that does nothing, for one worker of the provisioner's: whether that worker runs jobs. Pure.

It is the provisioner's own (OWNER) under an accounting group that no virtual organisation has (GROUP), and the worker is bound
to both by its identity: nobody else's job can go there. It leaves the queue by itself when its time is over, whatever becomes
of who submitted it. No record is made of it, since it has no submission of the API's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pool.attributes import AUTHENTICATED_IDENTITY, Machine
from pool.submission import quoted

OWNER = "provisioner"
"""The provisioner's identity without the domain: the only Owner for whom it may submit."""
GROUP = "site-check"
"""In what `identity.caller.group_slug` makes, a hyphen stands before ten characters of a digest alone."""
SEEN = ("JobStatus", "ExitCode", "HoldReason", "RemoteHost")
"""What is looked at of such a job."""
_MEMORY = 32
"""MB."""
_DISK = 1024
"""KB."""
_COMPLETED, _HELD = 4, 5


@dataclass(frozen=True, slots=True)
class Errand:
    """How it stands: `ended` with `code` (None: by a signal), or `held` for a reason; else it waits, or runs on `host`."""

    ended: bool = False
    code: int | None = None
    held: str = ""
    host: str = ""


def errand(ad: Mapping[str, Any]) -> Errand:
    """What an ad with SEEN says."""
    status = ad.get("JobStatus")
    held = str(ad.get("HoldReason") or "for no reason") if status == _HELD else ""
    return Errand(status == _COMPLETED, ad.get("ExitCode"), held, str(ad.get("RemoteHost") or ""))


def description(server: str, identity: str, until: float) -> dict[str, str]:
    """The submit description of one for the worker on a server (uuid) with this identity, until a time in epoch seconds."""
    here = f"TARGET.{Machine.SERVER} =?= {quoted(server)} && TARGET.{AUTHENTICATED_IDENTITY} =?= {quoted(identity)}"
    return {
        "universe": "vanilla",
        "executable": "/bin/true",
        "transfer_executable": "false",
        "initialdir": "/",
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT",
        "transfer_output_files": '""',
        "request_cpus": "1",
        "request_memory": str(_MEMORY),
        "request_disk": str(_DISK),
        "requirements": here,
        "accounting_group": GROUP,
        "accounting_group_user": OWNER,
        "My.Owner": quoted(OWNER),
        "periodic_remove": f"time() > {int(until)}",
        "leave_in_queue": f"JobStatus == 4 && time() < {int(until)}",
    }
