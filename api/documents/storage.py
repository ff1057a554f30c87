"""A remote file system that is mounted in a job, and who may mount it.

The credentials stand in an object named after the type: ``{"type": "webdav", "mountpoint": "/data",
"webdav": {…}}``.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from api.documents.base import Document, broken
from api.documents.secret import Secret
from api.documents.text import Line, MountPoint, Word, is_http_url


def _webdav_url(value: str) -> str:
    # The URL is shown in answers and not repeated in messages; a password in it would be in the open.
    if not is_http_url(value) or "@" in value.split("/")[2]:
        raise broken("must be an http or https URL with a host, without blanks and without a user name or password")
    return value


class WebdavCredential(Document):
    """Access to a WebDAV server."""

    url: Annotated[Line, AfterValidator(_webdav_url)] = Field(description="The http or https URL to mount.")
    username: Word = Field(description="User name at the WebDAV server.")
    password: Secret = Field(description="Password at the WebDAV server; never shown again.")


class B2dropCredential(Document):
    """Access to B2DROP by an app password."""

    app_username: Word = Field(alias="app-username", description="App user name made in B2DROP's settings.")
    app_password: Secret = Field(
        alias="app-password", description="App password made in B2DROP's settings; never shown again."
    )


class OnedataCredential(Document):
    """Access to a Onedata provider."""

    provider: Word = Field(description="Host name of the Onedata provider.")
    token: Secret = Field(description="Access token of the Onedata user; never shown again.")


class Storage(Document):
    """The remote file system: its type, where it is mounted, and the credentials for the type."""

    type: Literal["webdav", "b2drop", "onedata"] = Field(description="Kind of remote file system.")
    mountpoint: MountPoint = Field(description="Absolute path in the container to mount it on.")
    webdav: WebdavCredential | None = Field(default=None, description="Credentials for the type webdav.")
    b2drop: B2dropCredential | None = Field(
        alias="b2drop", default=None, description="Credentials for the type b2drop."
    )
    onedata: OnedataCredential | None = Field(default=None, description="Credentials for the type onedata.")

    @model_validator(mode="after")
    def _credentials_of_its_type(self) -> Self:
        given = {"webdav": self.webdav, "b2drop": self.b2drop, "onedata": self.onedata}
        if given.pop(self.type) is None:
            raise broken(f"is required for storage of type {self.type}: give its credentials", self.type)
        for other, credential in given.items():
            if credential is not None:
                raise broken(f"does not belong to storage of type {self.type}: remove it", other)
        return self
