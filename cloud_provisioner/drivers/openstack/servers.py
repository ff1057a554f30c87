"""Servers: what is asked for one, and what a list says about those that are ours. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from cloud_provisioner.drivers.contract import CloudRefused, Order
from cloud_provisioner.drivers.openstack.entries import Entries, Shown
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import CloudView, Listed, Status

UUID_KEY, SERVICE_KEY, FLAVOR_KEY = "prominence-server", "prominence-service", "prominence-flavor"
TAG = "prominence"
"""Borne by servers where the cloud has tags, for people who look for them; nothing depends on it."""
LARGEST_USER_DATA = 65535
"""Bytes that Nova takes, after base64."""
_LONGEST_VALUE = 255
ID = r"^[A-Za-z0-9-]{1,64}$"
"""What the cloud's ids of servers look like, which become parts of addresses."""
_UUID = re.compile(r"[0-9a-f]{32}")

_STATUSES = {
    "BUILD": Status.BUILD,
    "REBUILD": Status.BUILD,
    "ERROR": Status.ERROR,
    "SHUTOFF": Status.STOPPED,
    "PAUSED": Status.STOPPED,
    "SUSPENDED": Status.STOPPED,
    "RESCUE": Status.STOPPED,
    "SHELVED": Status.STOPPED,
    "SHELVED_OFFLOADED": Status.STOPPED,
}
"""All others, such as REBOOT and MIGRATING, are ACTIVE: the pool tells whether they work."""
_GONE = {"DELETED", "SOFT_DELETED"}
_NO_HOST = ("no valid host", "exceeded maximum number of retries", "insufficient")
_NO_ADDRESS = ("no more ip addresses", "no fixed ip addresses")
_FAULTS = (
    (Failure.QUOTA, ("quota", "maximum number of ports")),
    (Failure.CAPACITY, (*_NO_HOST, *_NO_ADDRESS)),
    (Failure.BAD_REQUEST, ("image", "flavor's", "user data")),
    (Failure.BUSY, ("failed to allocate the network", "timed out", "timeout", "messaging")),
)
"""What the fault of an ERROR is about, by what it says; the first that fits."""


def _message(fault: object) -> str:
    said = fault.get("message") if isinstance(fault, Mapping) else None
    return said if isinstance(said, str) else ""


def _status(said: object) -> str:
    return said if isinstance(said, str) else "UNKNOWN"


class CloudServer(Shown):
    """A server as Nova shows it; `fault` is the message of one."""

    id: str = Field(pattern=ID)
    status: Annotated[str, BeforeValidator(_status)] = "UNKNOWN"
    metadata: Mapping[str, str] | None = None
    fault: Annotated[str, BeforeValidator(_message)] = ""


def view(servers: Entries[CloudServer], begun_at: float) -> CloudView:
    """Our servers in the list of a project. A server of which Nova shows no metadata, because a part of the cloud is
    down, may be ours: the list does not count as complete then, nor with one of ours that cannot be understood. Another's
    that cannot be is none of our business.
    """
    ours: dict[str, list[Listed]] = {}
    complete = not any(map(_may_be_ours, servers.odd))
    for server in servers.usable:
        if server.metadata is None:
            complete = False
        elif _UUID.fullmatch(uuid := server.metadata.get(UUID_KEY, "")) and server.status not in _GONE:
            ours.setdefault(uuid, []).append(_listed(server, uuid, server.metadata))
    return CloudView({uuid: tuple(found) for uuid, found in ours.items()}, begun_at, complete)


def _may_be_ours(odd: object) -> bool:
    metadata = odd.get("metadata") if isinstance(odd, Mapping) else None
    return not isinstance(metadata, Mapping) or UUID_KEY in metadata


def _listed(server: CloudServer, uuid: str, metadata: Mapping[str, str]) -> Listed:
    status = _STATUSES.get(server.status, Status.ACTIVE)
    failure = of_fault(server.fault) if status is Status.ERROR else None
    return Listed(server.id, uuid, metadata.get(SERVICE_KEY, ""), status, metadata.get(FLAVOR_KEY, ""), failure)


def of_fault(message: str) -> Failure | None:
    """What a fault is about; None where it does not say."""
    text = message.lower()
    return next((failure for failure, words in _FAULTS if any(word in text for word in words)), None)


def metadata(order: Order) -> dict[str, str]:
    """The metadata by which a server is found again. CloudRefused where Nova has no room for it."""
    found = {UUID_KEY: order.uuid, SERVICE_KEY: order.service, FLAVOR_KEY: order.flavor}
    for value in (*found.values(), order.name):
        if len(value) > _LONGEST_VALUE:
            says = f"a server's name and metadata have at most {_LONGEST_VALUE} characters"
            raise CloudRefused(Failure.BAD_REQUEST, f"`flavors`: {says}: use flavors with shorter names.")
    return found


def check_user_data(order: Order) -> None:
    """CloudRefused where a server's script is larger than Nova takes."""
    size = len(base64.b64encode(order.user_data.encode()))
    if size > LARGEST_USER_DATA:
        says = f"the worker's script has {size} bytes in base64, and clouds take {LARGEST_USER_DATA}"
        raise CloudRefused(Failure.BAD_REQUEST, f"{says}: use an `image` that has more of the worker in it.")


def is_id(text: str) -> bool:
    """Whether a server can have this as its id."""
    return re.fullmatch(ID, text) is not None


def is_unknown(answer: bytes) -> bool:
    """Whether an answer is Nova's own word that it has no such server."""
    try:
        body = json.loads(answer)
    except ValueError:
        return False
    return isinstance(body, dict) and "itemNotFound" in body
