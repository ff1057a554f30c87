"""Asks a container registry for the parts of an image (the OCI distribution API), with or without a credential.

The answer to an unauthorised request names the way in: a password (Basic), or a service that gives out tokens (Bearer).
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import contextmanager
from typing import Dict, Iterator, Mapping, NamedTuple, Optional
from urllib.parse import quote, urlencode, urlsplit

from worker.images import web
from worker.images.errors import ImageCredentialsError, ImageNetworkError
from worker.images.reference import DOCKER_HUB, DockerName, is_address, is_loopback
from worker.job import Credential
from worker.staging import wire
from worker.staging.terms import Pace

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
LARGEST_MANIFEST = 8 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class Registry(NamedTuple):
    """A registry: the host as image names spell it, and the address that answers for it."""

    host: str
    base: str


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


class Access:
    """The way to one image of a registry. What the registry wants to see is shown to it once it has asked for that."""

    def __init__(self, registry: Registry, name: DockerName, credential: Optional[Credential]) -> None:
        self.registry = registry
        self.name = name
        self.credential = credential
        self._private: Dict[str, str] = {}

    @contextmanager
    def ask(self, method: str, path: str, headers: Mapping[str, str], pace: Pace) -> Iterator[wire.Reply]:
        """The answer to a request for a part of the repository, whatever its status. Raises TransferError, ImageError."""
        url = f"{self.registry.base}/v2/{self.name.repository}/{path}"
        with wire.ask(method, url, headers, pace, private=self._private) as reply:
            challenge = reply.headers.get("WWW-Authenticate") if reply.status == 401 else None
            if challenge is None:
                yield reply
                return
        self._private = {"Authorization": self._authorization(challenge)}  # a token may be too old by now, too
        with wire.ask(method, url, headers, pace, private=self._private) as reply:
            yield reply

    def digest(self) -> str:
        """The digest (``sha256:…``) that the registry has for the name now. Raises ImageError."""
        path = f"manifests/{quote(self.name.version, safe=':')}"
        for method in ("HEAD", "GET"):  # some registries tell the digest in the manifest's own bytes alone
            with web.network_errors(self.name.text), self.ask(method, path, {"Accept": ACCEPT}, web.QUESTION) as reply:
                if reply.status != 200:
                    raise web.refusal(self.name.text, reply, self.registry.host, self.credential is not None)
                found = reply.headers.get("Docker-Content-Digest") or ""
                if not _DIGEST.match(found) and method == "GET":
                    import hashlib  # few registries need it

                    found = "sha256:" + hashlib.sha256(web.body(reply, LARGEST_MANIFEST)).hexdigest()
            if _DIGEST.match(found):
                break
        return found

    def _authorization(self, challenge: str) -> str:
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "bearer":
            return "Bearer " + self._token(dict(_PARAMETER.findall(rest)))
        if scheme.lower() == "basic" and self.credential is not None:
            return _basic(self.credential)
        raise ImageCredentialsError(self.name.text, self.registry.host, given=self.credential is not None)

    def _token(self, parameters: Mapping[str, str]) -> str:
        realm = parameters.get("realm", "")
        parts = urlsplit(realm)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.netloc))
        if not safe or not is_address(realm):
            detail = "its token service has an address that is not safe to use"
            raise ImageNetworkError(self.name.text, self.registry.host, detail)
        query = {"service": parameters.get("service", ""), "scope": f"repository:{self.name.repository}:pull"}
        private = {"Authorization": _basic(self.credential)} if self.credential is not None else {}
        url = f"{realm}{'&' if parts.query else '?'}{urlencode(query)}"
        with wire.ask("GET", url, {}, web.QUESTION, private=private) as reply:
            if reply.status != 200:
                raise web.refusal(self.name.text, reply, self.registry.host, self.credential is not None)
            return self._token_in(web.body(reply, LARGEST_MANIFEST))

    def _token_in(self, body: bytes) -> str:
        try:
            answer = json.loads(body)
            token = answer.get("token") or answer.get("access_token")
        except (ValueError, AttributeError):
            token = None
        if not isinstance(token, str) or not token.isprintable():
            raise ImageNetworkError(self.name.text, self.registry.host, "its token service gave no token")
        return token


def _basic(credential: Credential) -> str:
    pair = f"{credential.username}:{credential.token}".encode()
    return "Basic " + base64.b64encode(pair).decode("ascii")
