"""What the tests of `identity` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from identity.issuers import Issuer
from tests.unit.identity.support import AUDIENCE, ISSUER, Clock, Pair, Provider, rsa_pair


@pytest.fixture(scope="session")
def rsa_key() -> Pair:
    return rsa_pair("rsa-1")


@pytest.fixture(scope="session")
def other_rsa_key() -> Pair:
    return rsa_pair("rsa-2")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(tmp_path: Path, rsa_key: Pair, clock: Clock) -> Provider:
    key_file = tmp_path / "jwks.json"
    made = Provider(rsa_key, Issuer(ISSUER, (AUDIENCE,), jwks_file=key_file), clock, key_file)
    made.publish(rsa_key)
    return made


@pytest.fixture
def bearer(provider: Provider) -> Callable[..., str]:
    """Make the `Authorization` header of a good token with changed claims."""

    def make(user: str = "alice", **changes: Any) -> str:
        return f"Bearer {provider.token(user, **changes)}"

    return make
