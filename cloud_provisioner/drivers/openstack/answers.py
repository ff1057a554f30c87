"""What Nova, Glance and Neutron answer, as failures by class: whether a request was carried out, and what an admin must do.

Below 500 a cloud has looked at a request and refused it. From 500 on, and after silence, a request that changes something may
have been carried out, or may be later. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import requests

from cloud_provisioner.drivers.contract import CloudAmbiguous, CloudRefused
from cloud_provisioner.drivers.openstack import saying
from cloud_provisioner.drivers.openstack.errors import Answered, NoAnswer, NotUnderstood
from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.drivers.openstack.wire import place
from cloud_provisioner.servers.failures import Failure


class Doing(Enum):
    """What was asked; the value says it in a sentence."""

    LOOK = "show the project's flavors, images, networks and limits"
    LIST = "list the project's servers"
    CREATE = "make a server"
    DELETE = "delete a server"

    @property
    def changes(self) -> bool:
        """Whether it is to be carried out at most once."""
        return self in (Doing.CREATE, Doing.DELETE)


_QUOTA = ("quota", "maximum number of", "overlimit")
_BAD = tuple(
    # What Nova says in a refusal -> the key of the description, and the remedy. The first that fits.
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), key, remedy)
    for words, key, remedy in (
        ("zero disk|volume-backed", "flavors", "leave out flavors without a disk"),
        ("user_data|userdata|user data", "image", "the worker's script is too large: use an image with more in it"),
        ("availability.zone", "availability_zones", "correct the names, or leave the key out"),
        ("flavor|flavorref|too small", "flavors", "the flavor is gone or too small for the image: look at both"),
        ("image|imageref", "image", "the image is gone or cannot be booted: look at it"),
        ("networks?|ports?|subnets?|fixed ips?", "networks", "say which network, by its name or id"),
    )
)


@contextmanager
def understood(site: OpenStackSite, doing: Doing) -> Iterator[None]:
    """Makes CloudRefused or CloudAmbiguous of whatever may go wrong with what is done inside."""
    try:
        yield
    except NoAnswer as error:
        refused = saying.of_no_answer(error, site)
        if doing.changes and error.sent:
            raise _in_doubt(doing, refused.sentence) from None
        raise refused from None
    except NotUnderstood as error:
        refused = saying.of_nonsense(error, site)
        raise (_in_doubt(doing, refused.sentence) if doing.changes else refused) from None
    except Answered as error:
        raise outcome(site, doing, error.answer) from None


def outcome(site: OpenStackSite, doing: Doing, response: requests.Response) -> CloudRefused | CloudAmbiguous:
    """What an answer from 300 on says about what was asked."""
    status, message = response.status_code, saying.message_of(response)
    at = saying.who(place(response.url), site)
    says = f"{at} does not {doing.value}: it answers {status}{f' ({message})' if message else ''}"
    if status >= 500 or status == 408:
        later = f"{says}{saying.retry_after(response)}."
        return _in_doubt(doing, later) if doing.changes else CloudRefused(Failure.BUSY, later)
    if status in (403, 413, 429) and any(word in message.lower() for word in _QUOTA):
        return CloudRefused(Failure.QUOTA, f"{says}: the project's quota is used up.")
    if status in (406, 413, 425, 429):
        return CloudRefused(Failure.BUSY, f"{says}{saying.retry_after(response)}.")
    if status < 400:
        remedy = "the catalogue should name that address"
        return CloudRefused(Failure.BAD_REQUEST, f"{at} sends on to {saying.elsewhere(response)}: {remedy}.")
    if status == 401:
        return CloudRefused(Failure.AUTH, f"{says}, to a token that is new: look at `credentials`.")
    if (found := _named(message)) and doing is Doing.CREATE:
        key, remedy = found
        another = key == "availability_zones" and len(site.availability_zones) > 1  # which may take servers
        failure = Failure.CAPACITY if another else Failure.BAD_REQUEST
        return CloudRefused(failure, f"`{key}`: the cloud refuses a server ({status}, {message}): {remedy}.")
    if status == 403 and message:
        return CloudRefused(Failure.AUTH, f"{says}: the user of `credentials` needs another role in the project.")
    if status == 409:
        remedy = ": somebody has to unlock it" if "locked" in message else ""
        return CloudRefused(Failure.BUSY, f"{says}{remedy}.")
    return CloudRefused(Failure.BAD_REQUEST, f"{says}: check the address, and that no proxy is in between.")


def _named(message: str) -> tuple[str, str] | None:
    return next(((key, remedy) for words, key, remedy in _BAD if words.search(message)), None)


def _in_doubt(doing: Doing, sentence: str) -> CloudAmbiguous:
    return CloudAmbiguous(f"{sentence} Whether it did {doing.value} all the same, the next lists tell.")
