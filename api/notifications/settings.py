"""The settings of mail: a section of the records' settings file, since the recorder's process sends it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, field_validator, model_validator

from api.notifications.addresses import is_address


class MailSettings(BaseModel):
    """The mail server that takes messages, and what stands in them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, description="Name or address of the mail server.")
    port: int = Field(587, ge=1, le=65535, description="Its TCP port.")
    tls: Literal["none", "starttls", "tls"] = Field(
        "starttls",
        description="Whether the connection becomes TLS by STARTTLS, is TLS from the start (465), or is none.",
    )
    ca: Path | None = Field(
        None, description="File with the certificates of authorities to believe instead of the machine's."
    )
    user: str | None = Field(None, min_length=1, description="Name to log in with; without it there is no login.")
    password: Path | None = Field(None, description="File (0600) with the password of `user`.")
    sender: str = Field(description="Address that messages are from, and that answers and complaints go to.")
    url: HttpUrl = Field(description="Address of the service for links in messages, with /prominence/v1.")
    timeout: float = Field(60, gt=0, le=600, description="Seconds that the server may take for one answer.")

    @field_validator("sender")
    @classmethod
    def _address(cls, sender: str) -> str:
        if not is_address(sender):
            raise ValueError("it is an address such as prominence@example.org, without a name")
        return sender

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        if self.user is not None and self.tls == "none":
            raise ValueError("a password is sent over TLS alone: set tls, or leave user and password out")
        return self
