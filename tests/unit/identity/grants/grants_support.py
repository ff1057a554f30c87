"""What the tests of grants are made with: a clock that moves when a test says so, settings, and other processes."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from identity.grants.access import Grants
from identity.grants.claimants import new_claimant
from identity.grants.rows import Rows
from identity.grants.settings import GrantSettings
from tests.oidc.provider import OidcProvider


class Clock:
    """The real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.added = 0.0

    def __call__(self) -> float:
        return time.time() + self.added

    def ticks(self) -> float:
        return time.monotonic() + self.added


def settings_of(oidc: OidcProvider, address: str, key_file: Path, **changes: object) -> GrantSettings:
    """The settings of a service that is a client of the provider; `changes` go into those of the client."""
    secret = key_file.with_name("client-secret")
    secret.touch(0o600)
    secret.write_text(oidc.secret + "\n")
    client = {"issuer": oidc.issuer, "client_id": oidc.client, "client_secret": str(secret), **changes}
    return GrantSettings.model_validate(
        {"database": address, "key_file": str(key_file), "primary_issuer": oidc.issuer, "issuers": [client]}
    )


def written(settings: GrantSettings) -> str:
    """Settings as text, for another process."""
    return json.dumps(settings.model_dump(mode="json") | {"database": settings.database.get_secret_value()})


def refresh_often(text: str, owner: str, count: int) -> list[str]:
    """What a process of its own does: fetches so many access tokens, one after the other."""
    grants = Grants(GrantSettings.model_validate_json(text))
    try:
        return [grants.access_token(owner, fresh=True) for _ in range(count)]
    finally:
        grants.close()


def claim_and_wait(text: str, owner: str, told: Connection) -> None:
    """What a process of its own does that will be killed: claims a grant, says so, and waits."""
    grants = Grants(GrantSettings.model_validate_json(text))
    (row,) = [each for each in grants.every() if each.owner == owner]
    told.send(Rows(grants.database).claim(row, new_claimant(), time.time()))
    signal.pause()


def wait_for(condition: Callable[[], object]) -> None:
    """Waits until something holds, half a minute at most."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
