"""What the tests of grants share: a provider, a database, a key, and grants that are kept there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from identity.grants.access import Grants
from identity.grants.sealing import add_key
from tests.oidc.fixtures import oidc, oidc_program
from tests.oidc.provider import OidcProvider
from tests.unit.identity.grants.grants_support import Clock, settings_of

__all__ = ["oidc", "oidc_program"]

Opening = Callable[..., Grants]


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Address of an empty database."""
    return f"sqlite:///{tmp_path}/grants.sqlite"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "grants.key"
    add_key(file)
    return file


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opening(oidc: OidcProvider, address: str, key_file: Path, clock: Clock) -> Iterator[Opening]:
    """Opens the grants, each time as a process that has just started; settings may be changed."""
    opened: list[Grants] = []

    def open_them(**changes: object) -> Grants:
        made = Grants(settings_of(oidc, address, key_file, **changes), clock, clock.ticks)
        made.database.migrate()
        opened.append(made)
        return made

    yield open_them
    for each in opened:
        each.database.close()


@pytest.fixture
def grants(opening: Opening) -> Grants:
    return opening()


@pytest.fixture
def alice(grants: Grants, oidc: OidcProvider) -> str:
    """The owner of a grant that is good."""
    return grants.put(oidc.issuer, "alice", oidc.sign_in("alice").refresh_token)
