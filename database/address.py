"""Addresses of databases, as settings name them. They may hold a password, and are never shown whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, SecretStr

SCHEMES = ("sqlite:///", "postgresql+psycopg://")
"""How an address begins."""


def _known(address: SecretStr) -> SecretStr:
    if not address.get_secret_value().startswith(SCHEMES):
        raise ValueError(f"the address begins with one of {', '.join(SCHEMES)}")
    return address


Address = Annotated[SecretStr, AfterValidator(_known)]
