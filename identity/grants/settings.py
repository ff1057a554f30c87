"""The settings of grants: a section of the provisioner's settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from database.address import Address
from identity.claims import is_text
from identity.issuers import is_safe_url


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class GrantIssuer(_Section):
    """The service as a client of one identity provider."""

    issuer: str = Field(description="Address of the provider, exactly as its tokens carry it as `iss`.")
    client_id: str = Field(min_length=1, description="As what the service is registered there.")
    client_secret: Path | None = Field(
        None, description="File (0600) with the client's secret; without it the client is a public one."
    )

    @field_validator("issuer")
    @classmethod
    def _is_safe(cls, issuer: str) -> str:
        if not is_safe_url(issuer) or not is_text(issuer):
            raise ValueError("give an https address; refresh tokens are sent there")
        return issuer


class GrantSettings(_Section):
    """Users' grants: where they are kept, and which identity providers they are from."""

    database: Address = Field(
        description="sqlite:////path/of/a/file, or postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE."
    )
    key_file: Path = Field(description="File (0600) with the keys that encrypt them; `prominence-admin grants rotate`.")
    primary_issuer: str = Field(description="The first of the API's `issuers`, whose subjects are Owners as they are.")
    issuers: tuple[GrantIssuer, ...] = Field(min_length=1, description="Whose users may lend the service their rights.")

    @field_validator("issuers")
    @classmethod
    def _named_once(cls, issuers: tuple[GrantIssuer, ...]) -> tuple[GrantIssuer, ...]:
        if len({each.issuer for each in issuers}) < len(issuers):
            raise ValueError("each issuer stands here once")
        return issuers
