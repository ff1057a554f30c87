"""What the text that names an image means: a path, an address or a name in a registry."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple, Union
from urllib.parse import urlsplit

from worker.images.errors import ImageReferenceError

DOCKER_HUB = "docker.io"
_HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(
    rf"(?P<path>{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?\Z",
    re.ASCII,
)
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?\Z")


class LocalPath(NamedTuple):
    """An absolute path on the worker."""

    text: str


class Url(NamedTuple):
    """An http or https address of a file."""

    text: str


class DockerName(NamedTuple):
    """An image in a registry: host with port, repository, and a tag or a digest (``sha256:…``, which wins)."""

    text: str
    host: str
    repository: str
    tag: str
    digest: str

    @property
    def version(self) -> str:
        """What to ask the registry for."""
        return self.digest or self.tag


def parse(text: str) -> Union[LocalPath, Url, DockerName]:
    """What ``text`` names. Raises ImageReferenceError."""
    if text.startswith("/"):
        return LocalPath(text)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return _docker(text, text)
    if scheme == "docker":
        return _docker(text, rest)
    if scheme in ("http", "https") and rest and is_address(text):
        return Url(text)
    raise ImageReferenceError(text)


def is_address(text: str) -> bool:
    """Whether a text is an address that can be asked for: a host, a port that is one, no blanks."""
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0) and not re.search(r"[\s\x00-\x1f]", text)
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether a host, with or without its port, is this machine; only such hosts are spoken to in the clear."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _docker(text: str, name: str) -> DockerName:
    host, slash, rest = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = DOCKER_HUB, name
    match = _NAME.match(rest)
    if match is None or not _HOST.match(host):
        raise ImageReferenceError(text)
    repository = match.group("path")
    if host in _HUB_NAMES:
        host = DOCKER_HUB
        repository = repository if "/" in repository else f"library/{repository}"
    digest = match.group("digest") or ""
    return DockerName(text, host, repository, match.group("tag") or "latest", digest)
