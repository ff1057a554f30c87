"""What the hypervisor of a cloud gets wrong on purpose, as a test says it.

Without a test's doing, metadata of a server and properties of its image do the same: `fault: build:fail:TEXT`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from deploy.files import write_private
from tests.cloud.openstack.place import Place


@dataclass(frozen=True)
class Fault:
    """What goes wrong when servers are built or deleted."""

    at: Literal["build", "delete"]
    does: Literal["fail", "hang", "wait", "deaf", "walled"]
    """`fail`: the server is in ERROR, with a text; `hang`: it stays as it is for as long as the fault is set; `wait`: it
    takes some seconds longer; `deaf`: it becomes ACTIVE and never runs its user data; `walled`: nobody can connect to it,
    and it only to the addresses (ADDRESS:PORT) in the text."""
    text: str = "it has been asked to fail"
    seconds: float = 0
    servers: str = "*"
    """Pattern of names, as of files."""
    times: int | None = None
    """How often; None: always."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


def set_faults(place: Place, *faults: Fault) -> None:
    """Sets the faults, instead of those that were; without any, nothing goes wrong. The next server notices."""
    rules: Sequence[dict[str, object]] = [
        {**asdict(fault), "with": fault.seconds if fault.does == "wait" else fault.text} for fault in faults
    ]
    write_private(place.faults, json.dumps(rules))
