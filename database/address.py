"""Addresses of databases, as settings name them. They may hold a password, and are never shown whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, SecretStr

_SQLITE = "sqlite:///"
SCHEMES = (_SQLITE, "postgresql+psycopg://")
"""How an address begins."""


def _known(address: SecretStr) -> SecretStr:
    if not address.get_secret_value().startswith(SCHEMES):
        raise ValueError(f"the address begins with one of {', '.join(SCHEMES)}")
    if address.get_secret_value().startswith(_SQLITE) and not address.get_secret_value().startswith(f"{_SQLITE}/"):
        raise ValueError(f"the path of the file begins at the root: {_SQLITE}/path/of/a/file")
    return address


Address = Annotated[SecretStr, AfterValidator(_known)]
