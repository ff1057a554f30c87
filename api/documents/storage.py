"""A remote file system that is mounted in a job, and who may mount it.

The credentials stand in an object named after the type: ``{"type": "webdav", "mountpoint": "/data",
"webdav": {…}}``.
"""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from api.documents import patterns
from api.documents.base import Document, broken
from api.documents.secret import Secret
from api.documents.text import Line, MountPoint, Word, saying

_OPEN_HTTP_URL = re.compile(patterns.OPEN_HTTP_URL)


def _webdav_url(value: str) -> str:
    # The URL is shown in answers and not repeated in messages; a password in it would be in the open.
    if not _OPEN_HTTP_URL.fullmatch(value):
        raise broken("must be an http or https URL with a host, without blanks and without a user name or password")
    return value


WebdavUrl = Annotated[Line, AfterValidator(_webdav_url), saying(patterns.OPEN_HTTP_URL)]


class WebdavCredential(Document):
    """Access to a WebDAV server."""

    url: WebdavUrl = Field(description="The http or https URL to mount.")
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


_TYPES = ("webdav", "b2drop", "onedata")


def _of_type(kind: str) -> dict[str, Any]:
    """The JSON schema's words for storage of one type: it has its own credentials and no others."""
    others = {name: False for name in _TYPES if name != kind}
    return {"properties": {"type": {"const": kind}} | others, "required": [kind]}


class Storage(Document):
    """The remote file system: its type, where it is mounted, and the credentials for the type."""

    rules: ClassVar[dict[str, Any]] = {"oneOf": [_of_type(kind) for kind in _TYPES]}

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
