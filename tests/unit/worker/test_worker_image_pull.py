"""Images of a registry that the test scripts, as directories laid out for Apptainer."""

import hashlib
import json
import os
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from worker.images import Source, docker
from worker.images.errors import (
    ImageCorruptError,
    ImageCredentialsError,
    ImageDiskFullError,
    ImageError,
    ImageNetworkError,
    ImageNotFoundError,
    ImagePlatformError,
    ImageRateLimitError,
)
from worker.images.pull import pull
from worker.images.reference import DockerName, parse
from worker.images.registry import Access, Registry
from worker.staging.terms import Pace, Terms

from .conftest import WebServer

QUICK = Pace(connect=2.0, silence=0.3, window=0.3, least=1000)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}.get(
    os.uname().machine, os.uname().machine
)


class Store:
    """What a registry has: manifests and blobs by digest, and how it treats who asks."""

    def __init__(self, server: WebServer) -> None:
        self.things: dict[str, bytes] = {}
        self.status = dict[str, int]()
        """Status with which it answers paths that end so."""
        self.stalls: str = ""
        self.token = ""
        server.answer = self.answer
        self.server = server
        name = parse(f"{server.host}/my/app:v1")
        assert isinstance(name, DockerName)
        self.access = Access(Registry(server.host, server.url), name, None)
        self.progress: list[tuple[int, int | None]] = []

    def add(self, content: bytes) -> dict[str, Any]:
        """Keeps something; how a manifest names it."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.things[digest] = content
        return {"digest": digest, "size": len(content), "mediaType": "x/y"}

    def image(self, *layers: bytes) -> str:
        """Keeps an image; its digest."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.add(b"{}"),
            "layers": [self.add(one) for one in layers],
        }
        return str(self.add(json.dumps(manifest).encode())["digest"])

    def index(self, **digests: str) -> str:
        """Keeps an image for several architectures; its digest."""
        unknown = {"digest": "sha256:" + "0" * 64, "size": 1, "platform": {"os": "unknown", "architecture": "unknown"}}
        offered = [
            {"digest": digest, "size": len(self.things[digest]), "platform": {"os": "linux", "architecture": one}}
            for one, digest in digests.items()
        ]
        return str(self.add(json.dumps({"schemaVersion": 2, "manifests": [unknown, *offered]}).encode())["digest"])

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        digest = request.path.rpartition("/")[2]
        status = next((one for end, one in self.status.items() if request.path.endswith(end)), 200)
        content = self.things.get(digest)
        if request.path.startswith("/token"):
            self.send(request, 200, json.dumps({"token": self.token}).encode())
        elif self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            challenge = f'Bearer realm="{self.server.url}/token",service="s"'
            self.send(request, 401, b"", {"WWW-Authenticate": challenge})
        elif content is None or status != 200:
            self.send(request, 404 if content is None else status, b"")
        elif digest == self.stalls:
            self.send(request, 200, content[:1], {"Content-Length": str(len(content))})
            request.connection.settimeout(20)
            request.connection.recv(1)
        else:
            self.send(request, 200, content)

    def send(
        self, request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def pull(self, digest: str, layout: Path) -> None:
        terms = Terms(lambda: None, print, QUICK, 2, lambda _: None)
        pull(self.access, digest, layout, terms, lambda done, total: self.progress.append((done, total)))


@pytest.fixture
def registry(web_server: WebServer) -> Store:
    return Store(web_server)


def blobs(layout: Path) -> dict[str, bytes]:
    return {f"sha256:{file.name}": file.read_bytes() for file in (layout / "blobs/sha256").iterdir()}


def test_an_image_comes_whole_each_part_once_and_the_index_names_it(registry: Store, tmp_path: Path) -> None:
    digest = registry.image(b"one" * 1000, b"two", b"one" * 1000)
    registry.pull(digest, tmp_path / "layout")
    assert blobs(tmp_path / "layout") == registry.things
    index = json.loads((tmp_path / "layout/index.json").read_text())
    assert index["manifests"] == [{"mediaType": MANIFEST, "digest": digest, "size": len(registry.things[digest])}]
    assert len(registry.server.seen) == 4
    total = 2 + 3000 + 3
    assert [done for done, _ in registry.progress] == sorted(done for done, _ in registry.progress)
    assert registry.progress[-1] == (total, total)


def test_of_an_image_for_several_architectures_that_of_this_machine_comes(registry: Store, tmp_path: Path) -> None:
    other, mine = registry.image(b"other"), registry.image(b"mine")
    registry.pull(registry.index(other=other, **{ARCHITECTURE: mine}), tmp_path / "layout")
    assert b"mine" in blobs(tmp_path / "layout").values()
    assert b"other" not in blobs(tmp_path / "layout").values()


def test_an_image_that_this_machine_cannot_run_is_refused_with_a_sentence(registry: Store, tmp_path: Path) -> None:
    digest = registry.index(other=registry.image(b"other"))
    with pytest.raises(ImagePlatformError, match=f"no variant for linux/{ARCHITECTURE}"):
        registry.pull(digest, tmp_path / "layout")


def test_a_token_that_grew_old_is_renewed(registry: Store, tmp_path: Path) -> None:
    digest = registry.image(b"layer")
    registry.token = "first"
    registry.pull(digest, tmp_path / "1")
    registry.token = "second"
    registry.pull(digest, tmp_path / "2")
    assert blobs(tmp_path / "2") == registry.things


def test_another_manifest_than_asked_for_is_refused(registry: Store, tmp_path: Path) -> None:
    digest = registry.image(b"layer")
    registry.things[digest] += b" "
    with pytest.raises(ImageNetworkError, match="another manifest"):
        registry.pull(digest, tmp_path / "layout")


@pytest.mark.parametrize(
    "manifest",
    [
        b"no JSON",
        b"[]",
        b"{}",
        b'{"schemaVersion": 1, "fsLayers": []}',
        b'{"config": {"digest": "sha256:../../x", "size": 1}, "layers": []}',
        b'{"config": {"digest": "sha512:0", "size": 1}, "layers": []}',
        b'{"config": {"digest": "sha256:' + b"0" * 64 + b'", "size": -1}, "layers": []}',
    ],
)
def test_a_manifest_that_is_none_is_a_corrupt_image(registry: Store, tmp_path: Path, manifest: bytes) -> None:
    digest = str(registry.add(manifest)["digest"])
    with pytest.raises(ImageCorruptError):
        registry.pull(digest, tmp_path / "layout")


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, ImageNotFoundError), (403, ImageCredentialsError), (429, ImageRateLimitError), (503, ImageNetworkError)],
)
@pytest.mark.parametrize("part", ["manifest", "layer"])
def test_a_failure_says_what_it_was(
    registry: Store, tmp_path: Path, part: str, status: int, error: type[ImageError]
) -> None:
    digest = registry.image(b"layer")
    registry.status = {digest if part == "manifest" else str(registry.add(b"layer")["digest"]): status}
    with pytest.raises(ImageError) as caught:
        registry.pull(digest, tmp_path / "layout")
    assert type(caught.value) is error


def test_a_registry_that_stalls_in_a_layer_is_a_network_failure_soon(registry: Store, source: Source) -> None:
    digest = registry.image(b"layer")
    registry.stalls = str(registry.add(b"layer")["digest"])
    registry.things["v1"] = registry.things[digest]
    with pytest.raises(ImageNetworkError) as caught:
        docker.obtain(registry.access.name, "", None, source, QUICK)
    assert "bytes moved in 0.3 s" in caught.value.message or "timed out" in caught.value.message
    assert list((source.cache / "partial").iterdir()) == []
    assert not (source.scratch.tools / "layout").exists()


def test_a_full_disk_is_said_to_be_full(registry: Store, source: Source, tmp_path: Path) -> None:
    digest = registry.image(b"layer" * 1000)
    layer = str(registry.add(b"layer" * 1000)["digest"]).partition(":")[2]
    registry.pull(digest, tmp_path / "whole")
    folder = tmp_path / "layout/blobs/sha256"

    def full(_done: int, _total: int | None) -> None:
        if not (folder / layer).exists():
            (folder / layer).symlink_to("/dev/full")

    with pytest.raises(ImageDiskFullError):
        pull(registry.access, digest, tmp_path / "layout", Terms(lambda: None, print, QUICK, 2), full)
