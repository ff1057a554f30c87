"""An image from a registry into a directory laid out as the OCI image specification says (an image layout).

Everything in a registry is named by its digest, and nothing is kept that is not what its digest says. Of an image for several
kinds of machines the one for this machine is taken.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, ContextManager, Dict, List, NamedTuple

from worker.images import web
from worker.images.errors import ImageCorruptError, ImageNetworkError, ImagePlatformError
from worker.images.fetch import Progress, Wanted, fetch
from worker.images.registry import ACCEPT, LARGEST_MANIFEST, Access
from worker.staging.terms import Terms
from worker.staging.wire import Reply

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})\Z")
_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_MOST_LAYERS = 1000

Document = Dict[str, Any]


class Blob(NamedTuple):
    """A part of an image: its SHA-256, hexadecimal, and its size in bytes."""

    sha256: str
    size: int


def pull(access: Access, digest: str, layout: Path, terms: Terms, progress: Progress) -> None:
    """Fetch the image with a digest into the new directory ``layout``. Raises ImageError."""
    image = access.name.text
    body = _manifest(access, digest)
    document = _document(image, body)
    if "manifests" in document:
        body = _manifest(access, _of_this_machine(image, document))
        document = _document(image, body)
    blobs = _blobs(image, document)
    folder = layout / "blobs" / "sha256"
    folder.mkdir(parents=True)
    write_index(layout, body, str(document.get("mediaType") or _OCI_MANIFEST))
    total, done = sum(blob.size for blob in blobs), 0
    for blob in blobs:
        _fetch_blob(access, blob, folder, terms, _counting_from(done, total, progress))
        done += blob.size


def _fetch_blob(access: Access, blob: Blob, folder: Path, terms: Terms, progress: Progress) -> None:
    def ask(headers: Dict[str, str]) -> ContextManager[Reply]:
        return access.ask("GET", f"blobs/sha256:{blob.sha256}", headers, terms.pace)

    wanted = Wanted(access.name.text, blob.sha256, blob.size, access.credential is not None)
    fetch(wanted, ask, folder / blob.sha256, terms, progress)


def _counting_from(done: int, total: int, progress: Progress) -> Progress:
    """Tells of one part of an image as of the whole: ``done`` bytes of ``total`` came before it."""
    return lambda size, _: progress(done + size, total)


def _manifest(access: Access, digest: str) -> bytes:
    """The manifest with a digest. Raises ImageError."""
    image, where = access.name.text, access.registry.host
    with web.network_errors(image), access.ask("GET", f"manifests/{digest}", {"Accept": ACCEPT}, web.QUESTION) as reply:
        if reply.status != 200:
            raise web.refusal(image, reply, where, access.credential is not None)
        body = web.body(reply, LARGEST_MANIFEST)
    if "sha256:" + hashlib.sha256(body).hexdigest() != digest:
        raise ImageNetworkError(image, where, "it sent another manifest than it was asked for")
    return body


def _document(image: str, body: bytes) -> Document:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ImageCorruptError(image, "its manifest is not JSON")
    return document


def _of_this_machine(image: str, index: Document) -> str:
    machine = os.uname().machine
    architecture = _ARCHITECTURES.get(machine, machine)
    offered = index["manifests"] if isinstance(index["manifests"], list) else []
    for one in (one for one in offered if isinstance(one, dict)):
        platform = one.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
            return f"sha256:{_blob(image, one).sha256}"
    raise ImagePlatformError(image, f"linux/{architecture}")


def _blobs(image: str, manifest: Document) -> List[Blob]:
    """The configuration and the layers, each once. Raises ImageCorruptError."""
    config, layers = manifest.get("config"), manifest.get("layers")
    if not isinstance(config, dict) or not isinstance(layers, list) or len(layers) > _MOST_LAYERS:
        raise ImageCorruptError(image, "its manifest is of a kind that is not understood here")
    return list(dict.fromkeys(_blob(image, part) for part in [config, *layers]))


def _blob(image: str, part: Document) -> Blob:
    match, size = _DIGEST.match(str(part.get("digest"))), part.get("size")
    if match is None or not isinstance(size, int) or size < 0:
        raise ImageCorruptError(image, "its manifest names a part in a way that is not understood here")
    return Blob(match.group(1), size)


def write_index(layout: Path, manifest: bytes, kind: str) -> None:
    """Make a directory with blobs the layout of the image that ``manifest``, of the media type ``kind``, describes."""
    digest = hashlib.sha256(manifest).hexdigest()
    (layout / "blobs" / "sha256" / digest).write_bytes(manifest)
    entry = {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(manifest)}
    (layout / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}), encoding="ascii")
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}), encoding="ascii")
