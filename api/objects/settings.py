"""The settings of object storage: which store, and how much goes into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

_Text = Annotated[str, StringConstraints(min_length=1)]


class Limits(BaseModel):
    """What holds for every kind of store."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    largest_object: int = Field(default=5_000_000_000, ge=1, description="Bytes of one object.")
    bytes_per_owner: int = Field(
        default=500_000_000_000, ge=1, description="Bytes that each user, each group, and each job may store."
    )
    objects_per_owner: int = Field(
        default=100_000, ge=1, description="How many objects each user, each group, and each job may store."
    )
    upload_lifetime: int = Field(
        default=3600,
        ge=60,
        le=604_800,
        description="Seconds within which an upload must begin after its link was made.",
    )


class LocalStorage(Limits):
    """Objects in a folder; the API itself takes and gives them."""

    kind: Literal["local"]
    root: Path = Field(description="Folder of the objects.")
    signing_secret: Path = Field(description="File (0600) with the secret that signs links, at least 32 bytes.")
    transfers: int = Field(
        default=16, ge=1, description="Uploads and downloads at once in each process; fewer than its threads."
    )
    longest_upload: int = Field(default=7200, ge=60, description="Seconds that one upload may take.")


class S3Storage(Limits):
    """Objects in a bucket of an S3 service, which takes and gives them."""

    kind: Literal["s3"]
    endpoint: HttpUrl | None = Field(
        default=None, description="Address of the service for users and jobs; AWS when left out."
    )
    bucket: _Text = Field(description="Name of the bucket, which must exist.")
    prefix: str = Field(
        default="", pattern=r"^(?:[A-Za-z0-9._-]+/)*$", description="What all keys begin with, ending in '/'."
    )
    region: _Text = Field(default="us-east-1", description="The region that requests are signed for.")
    credentials: Path = Field(description="TOML file (0600) with `access_key` and `secret_key`.")
    addressing: Literal["path", "virtual"] = Field(
        default="path", description="Whether the bucket stands in the path or in the host name."
    )


Storage = Annotated[LocalStorage | S3Storage, Field(discriminator="kind")]
