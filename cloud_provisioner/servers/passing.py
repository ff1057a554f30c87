"""Servers that are made to try a site out, by who checks it: they have no record. Pure.

Their service is not the provisioner's, so it leaves them alone as it does others'; and their uuid says until when they are
wanted, so that a check that was killed leaves nothing: the provisioner, or the next check, deletes what is over. A name of a
service has no dot (`ProvisionerSettings.name`), so none is meant by mistake.
"""

from __future__ import annotations

import secrets

SLACK = 300.0
"""Seconds by which clocks may differ, and for which a check that is over may still be deleting."""
_DIGITS = 8
_RANDOM = 12


def service_of(service: str) -> str:
    """What the servers of checks bear instead of the name of the service."""
    return f"{service}.check"


def new_uuid(until: float, random: bytes | None = None) -> str:
    """A uuid, 32 hexadecimal digits, of a server that is wanted until a time in epoch seconds; `random` has 12 bytes."""
    # Workers are called by the first digits of it, so these are by chance.
    return f"{(random or secrets.token_bytes(_RANDOM)).hex()}{int(until):0{_DIGITS}x}"


def is_over(uuid: str, now: float) -> bool:
    """Whether nobody can want the server of such a uuid any more."""
    try:
        return now - int(uuid[-_DIGITS:], 16) > SLACK
    except ValueError:
        return True
