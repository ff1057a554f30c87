"""The data and object routes as a WSGI application of their own, and gunicorn to serve it in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from flask import Flask, request
from pydantic import TypeAdapter

from api import errors
from api.objects.local import LocalStore
from api.objects.opening import open_local, open_s3
from api.objects.quota import Quota
from api.objects.service import Data
from api.objects.settings import LocalStorage, S3Storage, Storage
from api.routes import bodies, checkpoint, data, objects
from api.workflows.artifacts import Artifacts
from api.workflows.instances import Instances
from identity import embedded
from identity.caller import Caller
from identity.gate import Gate
from identity.issuers import Issuer
from identity.job_tokens import JobTokens, create_secret
from identity.tokens import Authenticator

PREFIX = "/prominence/v1"
ISSUER = "http://127.0.0.1/issuer"
AUDIENCE = "prominence"
TOP = Path(__file__).resolve().parents[4]


def create(settings: LocalStorage | S3Storage, url: str, keys: Path, clock: Callable[[], float] = time.time) -> Flask:
    """The application; `keys` is a folder made by `make_keys`."""
    issuer = Issuer(ISSUER, (AUDIENCE,), jwks_file=keys / embedded.KEY_SET, groups_claim="groups")
    gate = Gate(Authenticator([issuer], {"everyone": ()}), JobTokens.from_file(keys / "job-secret"))

    def caller() -> Caller:
        return gate.caller(request.headers.get("Authorization"))

    def job() -> Caller:
        return gate.caller(request.headers.get("Authorization"), accept=("job",))

    app = Flask("objects", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 2**20
    store: Any = open_local(settings, f"{url}/objects") if isinstance(settings, LocalStorage) else open_s3(settings)
    if isinstance(store, LocalStore):
        store._clock = clock
    quota = Quota(store, limit=settings.bytes_per_owner, objects=settings.objects_per_owner, clock=clock)
    service = Data(store, quota, ISSUER, settings.largest_object, settings.upload_lifetime)
    artifacts = Artifacts(service, Instances(keys / "sandboxes"))
    app.register_blueprint(data.blueprint(service, artifacts, caller, job), url_prefix=f"{PREFIX}/data")
    app.register_blueprint(checkpoint.blueprint(service, job), url_prefix=f"{PREFIX}/checkpoint")
    if isinstance(settings, LocalStorage):
        served = objects.blueprint(
            store,
            quota,
            largest=settings.largest_object,
            transfers=settings.transfers,
            longest_upload=settings.longest_upload,
        )
        app.register_blueprint(served, url_prefix=f"{PREFIX}/objects")
    errors.register(app)
    return app


def application() -> Flask:
    """The application for the settings in OBJECTS_SETTINGS, as gunicorn loads it."""
    settings = tomllib.loads(Path(os.environ["OBJECTS_SETTINGS"]).read_text())
    bodies.STALLED = settings.get("stalled", bodies.STALLED)
    return create(
        TypeAdapter[LocalStorage | S3Storage](Storage).validate_python(settings["storage"]),
        settings["url"],
        Path(settings["keys"]),
    )


def make_keys(folder: Path) -> Path:
    """The keys of an issuer, and the secrets of the service."""
    embedded.create(folder)
    create_secret(folder / "job-secret")
    create_secret(folder / "signing-secret")
    return folder


def user_token(keys: Path, user: str, groups: Sequence[str] = ()) -> str:
    """An access token."""
    return embedded.mint(
        keys, issuer=ISSUER, audience=AUDIENCE, user=user, groups=groups, lifetime=3600, now=time.time()
    )


def job_token(keys: Path, job: str, user: str = "alice", groups: tuple[str, ...] = ()) -> str:
    """The token of a running job; folders of jobs are in `sandboxes` below `keys`."""
    return JobTokens.from_file(keys / "job-secret").mint(Caller(user, ISSUER, user, groups), job=job, lifetime=3600)


@dataclass
class Server:
    """A running gunicorn."""

    url: str
    keys: Path
    root: Path
    process: subprocess.Popen[bytes]
    session: requests.Session = field(default_factory=requests.Session)

    def call(
        self, method: str, path: str, user: str = "alice", groups: Sequence[str] = (), **more: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {more.pop('token', None) or user_token(self.keys, user, groups)}"}
        return self.session.request(method, self.url + path, headers=headers, timeout=60, **more)

    def link(self, filename: str, user: str = "alice", groups: Sequence[str] = (), **more: Any) -> str:
        """An upload link."""
        answer = self.call("POST", "/data/upload", user, groups, json={"filename": filename, **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["url"])

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def gunicorn(folder: Path, keys: Path, storage: dict[str, object], stalled: float = bodies.STALLED) -> Iterator[Server]:
    """The application under gunicorn with one process of four threads, as the service runs it, on a port of its own.

    `stalled` is how many seconds a client may keep silent.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}{PREFIX}"
        lines = [f'url = "{url}"', f'keys = "{keys}"', f"stalled = {stalled}", "[storage]"]
        lines += [f"{name} = {value!r}" for name, value in storage.items()]
        (folder / "settings.toml").write_text("\n".join(lines))
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listening.fileno()}", "--workers", "1"]
        command += ["--worker-class", "gthread", "--threads", "4", "--no-control-socket", "--timeout", "60"]
        command += ["--graceful-timeout", "1", "tests.unit.api.objects.serving:application()"]
        with (folder / "gunicorn.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=TOP,
                env={**os.environ, "OBJECTS_SETTINGS": str(folder / "settings.toml"), "PYTHONPATH": str(TOP)},
                pass_fds=(listening.fileno(),),
                stdout=log,
                stderr=log,
            )
    server = Server(url, keys, Path(str(storage.get("root", folder))), process)
    try:
        wait_for_answer(server, folder / "gunicorn.log")
        yield server
    finally:
        server.session.close()
        process.terminate()
        process.wait(timeout=20)


def wait_for_answer(server: Server, log: Path) -> None:
    """Until the server answers anything."""
    deadline = time.monotonic() + 30
    while True:
        try:
            requests.get(server.url, timeout=5)
        except requests.ConnectionError:
            assert server.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
