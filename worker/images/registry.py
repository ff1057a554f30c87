"""Asks a container registry what a name stands for now (the OCI distribution API), with or without a credential.

The answer to an unauthorised request names the way in: a password (Basic), or a service that gives out tokens (Bearer).
"""

from __future__ import annotations

import base64
import json
import re
from http.client import HTTPResponse
from typing import Dict, NamedTuple, Optional
from urllib.parse import quote, urlencode, urlsplit

from worker.errors import ImageCredentialsError, ImageNetworkError
from worker.images import web
from worker.images.reference import DOCKER_HUB, DockerName, is_address, is_loopback
from worker.job import Credential

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_LARGEST_MANIFEST = 8 << 20
_TIMEOUT = 15.0
"""Seconds without a byte: what is asked for here is small, and there may be another registry to ask."""


class Registry(NamedTuple):
    """A registry: the host as image names spell it, and the address that answers for it."""

    host: str
    base: str

    @property
    def plain(self) -> bool:
        """Whether it is spoken to in the clear."""
        return self.base.startswith("http:")


def of_host(host: str) -> Registry:
    """The registry of a host; https, but for this machine."""
    if host == DOCKER_HUB:
        return Registry(host, "https://registry-1.docker.io")
    return Registry(host, f"{'http' if is_loopback(host) else 'https'}://{host}")


def of_mirror(address: str) -> Optional[Registry]:
    """The registry at a mirror's address, or None where that is not one that may be used."""
    parts = urlsplit(address)
    usable = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.netloc))
    return Registry(parts.netloc, f"{parts.scheme}://{parts.netloc}") if usable and is_address(address) else None


def digest(registry: Registry, name: DockerName, credential: Optional[Credential]) -> str:
    """The digest (``sha256:…``) that a registry has for a name now. Raises ImageError."""
    url = f"{registry.base}/v2/{name.repository}/manifests/{quote(name.version, safe=':')}"
    headers = {"Accept": ACCEPT}
    with web.ask(name.text, "HEAD", url, headers, _TIMEOUT) as response:
        challenge = response.headers.get("WWW-Authenticate") if response.status == 401 else None
        if challenge is None:
            found = _digest(name, registry, response, credential)
    if challenge is not None:
        headers["Authorization"] = _authorization(name, registry, challenge, credential)
        with web.ask(name.text, "HEAD", url, headers, _TIMEOUT) as response:
            found = _digest(name, registry, response, credential)
    return found or _digest_of_body(name, registry, url, headers, credential)


def _digest(name: DockerName, registry: Registry, response: HTTPResponse, credential: Optional[Credential]) -> str:
    if response.status != 200:
        raise web.refusal(name.text, response, registry.host, credential is not None)
    found = response.headers.get("Docker-Content-Digest") or ""
    return found if _DIGEST.match(found) else ""


def _digest_of_body(
    name: DockerName, registry: Registry, url: str, headers: Dict[str, str], credential: Optional[Credential]
) -> str:
    import hashlib

    with web.ask(name.text, "GET", url, headers, _TIMEOUT) as response:
        _digest(name, registry, response, credential)
        return "sha256:" + hashlib.sha256(response.read(_LARGEST_MANIFEST)).hexdigest()


def _authorization(name: DockerName, registry: Registry, challenge: str, credential: Optional[Credential]) -> str:
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() == "bearer":
        return "Bearer " + _token(name, registry, dict(_PARAMETER.findall(rest)), credential)
    if scheme.lower() == "basic" and credential is not None:
        return _basic(credential)
    raise ImageCredentialsError(name.text, registry.host, given=credential is not None)


def _token(name: DockerName, registry: Registry, parameters: Dict[str, str], credential: Optional[Credential]) -> str:
    realm = parameters.get("realm", "")
    parts = urlsplit(realm)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.netloc))
    if not safe or not is_address(realm):
        raise ImageNetworkError(name.text, registry.host, "its token service has an address that is not safe to use")
    query = {"service": parameters.get("service", ""), "scope": f"repository:{name.repository}:pull"}
    headers = {"Authorization": _basic(credential)} if credential is not None else {}
    url = f"{realm}{'&' if parts.query else '?'}{urlencode(query)}"
    with web.ask(name.text, "GET", url, headers, _TIMEOUT) as response:
        if response.status != 200:
            raise web.refusal(name.text, response, registry.host, credential is not None)
        return _token_in(name, registry, response.read(_LARGEST_MANIFEST))


def _token_in(name: DockerName, registry: Registry, body: bytes) -> str:
    try:
        answer = json.loads(body)
        token = answer.get("token") or answer.get("access_token")
    except (ValueError, AttributeError):
        token = None
    if not isinstance(token, str) or not token.isprintable():
        raise ImageNetworkError(name.text, registry.host, "its token service gave no token")
    return token


def _basic(credential: Credential) -> str:
    pair = f"{credential.username}:{credential.token}".encode()
    return "Basic " + base64.b64encode(pair).decode("ascii")
