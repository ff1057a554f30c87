"""From troubles and answers to failures by class, with sentences that name a key of the site's description. Pure.

No sentence repeats what was sent. What a cloud says is repeated in one line, without what may be a secret that it echoes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from cloud_provisioner.drivers.contract import CloudRefused
from cloud_provisioner.drivers.openstack.errors import NoAnswer, NotUnderstood, Trouble
from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.drivers.openstack.wire import place
from cloud_provisioner.servers.failures import Failure

_LONGEST = 200
_SECRET_LIKE = re.compile(r"[A-Za-z0-9+/=_.-]{41,}")
_ECHO = re.compile(r"\bValue: .*", re.DOTALL)
"""How Nova repeats a value that it refuses, the user data among them."""

_REMEDIES: Mapping[Trouble, str] = {
    Trouble.UNKNOWN_HOST: "correct the address, or look at this machine's resolver",
    Trouble.UNREACHABLE: "it may be down, or a firewall in between",
    Trouble.PROXY: "look at the variables HTTPS_PROXY and NO_PROXY of the provisioner",
    Trouble.TLS: "an https address may be needed where http is, or the other way round",
    Trouble.ADDRESS: "correct it",
    Trouble.SLOW: "it may be overloaded, or a firewall in between",
    Trouble.CUT: "it may be restarting",
    Trouble.TOO_LARGE: "it is probably none of OpenStack's",
}
_NOT_BY_ITSELF = {
    Trouble.CERTIFICATE,
    Trouble.TLS,
    Trouble.CA_FILE,
    Trouble.ADDRESS,
    Trouble.TOO_LARGE,
}
"""What an admin has to change; all other troubles may pass."""


def of_no_answer(error: NoAnswer, site: OpenStackSite) -> CloudRefused:
    """What it means that no answer came to a request that changes nothing."""
    failure = Failure.BAD_REQUEST if error.trouble in _NOT_BY_ITSELF else Failure.BUSY
    if error.trouble is Trouble.CA_FILE:
        says = f"the file {site.ca_certificate or 'of this machine'} cannot be read: give one with PEM certificates"
        return CloudRefused(failure, f"`ca_certificate`: {says}.")
    if error.trouble is Trouble.CERTIFICATE:
        return CloudRefused(failure, _certificate(error, site))
    detail = f" ({error.detail})" if error.detail else ""
    sentence = f"{who(error.where, site)} cannot be used: {error.trouble.value}{detail}; {_REMEDIES[error.trouble]}."
    return CloudRefused(failure, sentence)


def of_nonsense(error: NotUnderstood, site: OpenStackSite) -> CloudRefused:
    """What it means that an answer was none of OpenStack's."""
    failure = Failure.BUSY if error.broken else Failure.BAD_REQUEST
    remedy = "it may be restarting" if error.broken else "check the address, and that no proxy or portal is in between"
    return CloudRefused(failure, f"{who(error.where, site)} does not answer as OpenStack does: {error.what}; {remedy}.")


def _certificate(error: NoAnswer, site: OpenStackSite) -> str:
    at, detail = who(error.where, site, key=False), cleaned(error.detail)
    if "mismatch" in detail.lower() or "doesn't match" in detail:
        key = "endpoint" if at.startswith("Keystone") else "interface"
        return f"`{key}`: the certificate of {at} is for another host ({detail}): use the name that it is for."
    if "expired" in detail:
        return f"`ca_certificate`: the certificate of {at}, or the one that signed it, has expired: tell the cloud's operators."
    trusted = f"those in {site.ca_certificate} do" if site.ca_certificate else "this machine's do"
    return (
        f"`ca_certificate`: the certificate of {at} is signed by none that is trusted, as only {trusted} count "
        f"({detail}): give the file with the certificate authority's."
    )


def who(where: str, site: OpenStackSite, *, key: bool = True) -> str:
    """Keystone, by the key `endpoint`, or a service to which its catalogue points."""
    if where == place(site.endpoint):
        return f"`endpoint`: Keystone at {where}" if key else f"Keystone at {where}"
    path = f"the service at {where}, which the catalogue names for the interface `{site.interface}`,"
    return f"`interface`: {path}" if key else path


def retry_after(response: requests.Response) -> str:
    """What an answer says of when to come again, as the end of a sentence."""
    seconds = response.headers.get("Retry-After", "")
    return f"; it asks to wait {seconds} s" if seconds.isdecimal() and len(seconds) < 8 else ""


def message_of(response: requests.Response) -> str:
    """The sentence in an OpenStack error, cleaned; empty where there is none."""
    try:
        body = json.loads(response.content)
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    for one in (body, *body.values()):
        if isinstance(one, dict) and isinstance(one.get("message"), str):
            return cleaned(one["message"])
    return ""


def cleaned(text: str) -> str:
    """What a cloud says, as a sentence may repeat it: one line, cut, without values and what looks like a secret."""
    line = " ".join(_ECHO.sub("", text).split())
    safe = _SECRET_LIKE.sub("(...)", "".join(one if one.isprintable() else "?" for one in line))
    return (safe if len(safe) <= _LONGEST else f"{safe[:_LONGEST]}...").rstrip(".")


def elsewhere(response: requests.Response) -> str:
    """Where a redirect points, host:port alone."""
    target = response.headers.get("Location", "")
    return place(target) if urlsplit(target).netloc else "another path"
