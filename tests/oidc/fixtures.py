"""The provider as fixtures; a conftest.py takes them by importing them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.home import from_environment
from tests.oidc.installing import installed
from tests.oidc.provider import OidcProvider


@pytest.fixture(scope="session")
def oidc_program() -> Path:
    """The folder with the provider's program, installed in the cache."""
    return installed(from_environment(os.environ).cache)


@pytest.fixture
def oidc(oidc_program: Path) -> Iterator[OidcProvider]:
    """A provider of this test's own."""
    provider = OidcProvider(oidc_program)
    provider.start()
    yield provider
    provider.stop()
