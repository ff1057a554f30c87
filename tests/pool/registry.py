"""A real container registry on a loopback address, images to fill it with, and a relay to hold or cut what it sends.

The registry is Debian's docker-registry, unpacked once into the cache without being installed. Images are pushed by plain
requests of the registry protocol.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import http.client
import io
import json
import platform
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from deploy import debian

PORT = 5000
USER, PASSWORD = "puller", "correct-horse-battery"
_HTPASSWD = f"{USER}:$2y$05$OUTTuU0QPSfCrN1aPbcvfOty8HuHkCUuHrWN/gM.MRevHMshhWTb2\n"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_LARGE = 100_000
"""Bytes: a blob above this is a layer, a smaller one the configuration of an image."""


def program(cache: Path) -> Path:
    """The registry's program below `cache`, downloaded when it is not there; one download at a time, others wait."""
    folder = cache / "docker-registry"
    with (cache / "docker-registry.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            partial = cache / "docker-registry.partial"
            shutil.rmtree(partial, ignore_errors=True)
            debian.unpack("docker-registry", partial)
            partial.rename(folder)
    return folder / "usr/bin/docker-registry"


class Registry:
    """A registry that keeps its images in `folder`; with `private`, only for USER with PASSWORD."""

    def __init__(self, program: Path, folder: Path, host: str, private: bool = False) -> None:
        self.address = f"{host}:{PORT}"
        self._program = program
        self._folder = folder
        self._auth = (USER, PASSWORD) if private else None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it accepts connections. It ends with the process that started it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        settings: dict[str, Any] = {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(self._folder)}},
            "http": {"addr": self.address, "secret": "of this registry alone"},
        }
        if self._auth:
            (self._folder / "htpasswd").write_text(_HTPASSWD)
            settings["auth"] = {"htpasswd": {"realm": "tests", "path": str(self._folder / "htpasswd")}}
        file = self._folder / "config.yml"
        file.write_text(json.dumps(settings))  # JSON is YAML
        command = ["setpriv", "--pdeathsig", "KILL", str(self._program), "serve", str(file)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            requests.get(f"http://{self.address}/v2/", timeout=5)
        except requests.ConnectionError:
            return False
        return True

    def kill(self) -> None:
        """Ends it at once, whatever it was doing; what it was given stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def push(self, repository: str, tag: str, layer: bytes, config: Mapping[str, Any] | None = None) -> str:
        """Stores an image of one layer under a tag, with what it says of itself; its digest, hexadecimal."""
        diff = hashlib.sha256(gzip.decompress(layer)).hexdigest()
        described = {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": config or {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._upload(repository, json.dumps(described).encode(), _CONFIG),
            "layers": [self._upload(repository, layer, _LAYER)],
        }
        body = json.dumps(manifest).encode()
        url = f"http://{self.address}/v2/{repository}/manifests/{tag}"
        self._ask("PUT", url, 201, data=body, headers={"Content-Type": _MANIFEST})
        return hashlib.sha256(body).hexdigest()

    def _upload(self, repository: str, data: bytes, kind: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        begun = self._ask("POST", f"http://{self.address}/v2/{repository}/blobs/uploads/", 202)
        headers = {"Content-Type": "application/octet-stream"}
        self._ask("PUT", begun.headers["Location"], 201, params={"digest": digest}, data=data, headers=headers)
        return {"mediaType": kind, "size": len(data), "digest": digest}

    def _ask(self, method: str, url: str, expected: int, **more: Any) -> requests.Response:
        answer = requests.request(method, url, timeout=30, auth=self._auth, **more)
        assert answer.status_code == expected, answer.text
        return answer


def layer(root: Path, files: Mapping[str, bytes], mode: int = 0o644) -> bytes:
    """A layer with the content of the folder `root` and some files beside it, which have the permissions `mode`."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        archive.add(root, ".", filter=_anonymous)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(written.getvalue(), 1, mtime=0)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


class Relay:
    """Passes requests on to a registry, and stands between it and who pulls.

    `seen` has "METHOD path" of each request in order, `layers` counts the layers that were asked for. While `open` is not set,
    layers wait. With `kill_midway`, the registry is killed when half of a layer has passed, once.
    """

    def __init__(self, registry: Registry, host: str) -> None:
        self.address = f"{host}:{PORT}"
        self.seen: list[str] = []
        self.layers = 0
        self.open = threading.Event()
        self.open.set()
        self.kill_midway = False
        self._registry = registry
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                relay.pass_on(self)

            def do_HEAD(self) -> None:
                relay.pass_on(self)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer((host, PORT), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        """Answers one request as the registry does, unless it is dead: then the connection ends without a word."""
        self.seen.append(f"{request.command} {request.path}")
        upstream = http.client.HTTPConnection(self._registry.address, timeout=30)
        try:
            upstream.request(request.command, request.path, headers=dict(request.headers))
            answer = upstream.getresponse()
            self._answer(request, answer)
        except (OSError, http.client.HTTPException):
            request.close_connection = True
        finally:
            upstream.close()

    def _answer(self, request: BaseHTTPRequestHandler, answer: http.client.HTTPResponse) -> None:
        body = answer.read()
        request.send_response_only(answer.status)
        for name, value in answer.headers.items():
            request.send_header(name, value)
        request.end_headers()
        if len(body) > _LARGE:
            self.layers += 1
            assert self.open.wait(60)
            if self.kill_midway:
                self.kill_midway = False
                self._registry.kill()
                body = body[: len(body) // 2]
                request.close_connection = True
        request.wfile.write(body)

    def close(self) -> None:
        """Ends it."""
        self.open.set()
        self._server.shutdown()
        self._server.server_close()
