"""The remote file system that a job's description asks for."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional
from urllib.parse import urlsplit

WEBDAV = "webdav"
B2DROP = "b2drop"
ONEDATA = "onedata"
B2DROP_URL = "https://b2drop.eudat.eu/remote.php/webdav/"
"""Where B2DROP's users find their files by WebDAV."""


class Storage(NamedTuple):
    """A file system of the type ``kind``, seen at the absolute path ``mountpoint`` of the containers.

    ``server`` is the address of a WebDAV directory, or the host name of a Onedata provider. ``secret`` is the password of
    ``username``, or a Onedata token, whose user is "".
    """

    kind: str
    mountpoint: str
    server: str
    username: str
    secret: str

    @property
    def shown(self) -> str:
        """What messages call it."""
        if self.kind == ONEDATA:
            return self.server
        parts = urlsplit(self.server)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def storage(item: Optional[Mapping[str, Any]]) -> Optional[Storage]:
    """The storage of a decoded description, None for none. Raises KeyError, TypeError or ValueError where it is not one."""
    if item is None:
        return None
    kind, mountpoint = item["type"], item["mountpoint"]
    given = item[kind]
    if kind == WEBDAV:
        return Storage(kind, mountpoint, given["url"], given["username"], given["password"])
    if kind == B2DROP:
        return Storage(kind, mountpoint, B2DROP_URL, given["app-username"], given["app-password"])
    if kind == ONEDATA:
        return Storage(kind, mountpoint, given["provider"], "", given["token"])
    raise ValueError("its storage is of a type that is not known here")
