"""An artifact as the job's description has it, and how it is named to people."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Mapping, NamedTuple, Optional
from urllib.parse import unquote, urlsplit

_NAMELESS = "artifact"
_ADDRESSES = ("http://", "https://")


class Artifact(NamedTuple):
    """A file or archive to fetch from ``url``; where this is no address, the service knows the files that it stands for.

    ``name`` is what the job's owner calls it, "" for a plain address. ``path`` says where in the job's home it is put, None:
    under its own name. The entry ``source`` of the home is to be seen at the absolute path ``target`` of the container; both
    are "" for none. ``sha256`` (hexadecimal) is "" and ``size`` (bytes) is None where nothing was announced.
    """

    url: str
    name: str = ""
    source: str = ""
    target: str = ""
    executable: bool = False
    sha256: str = ""
    size: Optional[int] = None
    path: Optional[PurePosixPath] = None

    @property
    def is_address(self) -> bool:
        """Whether ``url`` can be fetched as it stands."""
        return self.url.lower().startswith(_ADDRESSES)

    @property
    def place(self) -> PurePosixPath:
        """Where in the job's home it is put; an archive is unpacked in the directory of that."""
        return self.path or PurePosixPath(self.filename)

    @property
    def shown(self) -> str:
        """What messages call it: nothing of an address that may be secret."""
        if self.name:
            return self.name
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return _NAMELESS
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def filename(self) -> str:
        """The name of its file: the last part of its name, or of the path of its address, decoded."""
        path = self.name or unquote(urlsplit(self.url).path, errors="surrogateescape")
        name = PurePosixPath(path).name.replace("\0", "")
        return _NAMELESS if name in ("", "..") else name


def artifact(item: Mapping[str, Any]) -> Artifact:
    """The artifact of a decoded description. Raises KeyError, TypeError or ValueError where it is not one."""
    source, _, target = (item.get("mountpoint") or "").partition(":")
    made = Artifact(item["url"], source=source, target=target, executable=bool(item.get("executable")))
    return made if made.is_address else made._replace(name=made.url)
