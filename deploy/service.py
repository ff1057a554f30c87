"""The REST API and the recorder of an instance: settings files, secrets, processes, and tokens for users."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from deploy.errors import DeployError
from deploy.files import write_private
from deploy.home import Home, Settings
from deploy.namespaces import Process
from deploy.nodes import DOMAIN, HEAD_CONFIGURATION, departed
from identity import embedded
from identity.errors import Misconfigured
from identity.job_tokens import create_secret
from worker import build

AUDIENCE = "prominence"
ROOT = Path(__file__).parents[1]
"""The folder of the program."""
_PROCESSES = 4
_THREADS = 160
"""Threads of a process: one each for streams of output and transfers of objects, which mostly wait."""
_STOP_PATIENCE = 10.0


def issuer_name(settings: Settings) -> str:
    """The name under which the embedded issuer signs: it has no address, its keys are a file."""
    return f"http://{settings.host}:{settings.port}/embedded-issuer"


def prepare(settings: Settings, home: Home, python: Sequence[str] = ()) -> None:
    """Makes secrets once, the executor, and the settings file. Safe to repeat.

    `python` is the command of the workers' own Python, which compiles the executor: that saves each task its time.
    """
    keys = embedded.create(home.keys / "issuer")
    secret = home.keys / "job-tokens"
    if not secret.exists():
        create_secret(secret)
    links = home.keys / "links"
    if not links.exists():
        create_secret(links)
    metrics_token = home.keys / "metrics"
    if not metrics_token.exists():
        write_private(metrics_token, secrets.token_urlsafe(32))
    build.build(home.worker_program, python=python)
    values = {
        "url": settings.url,
        "sandboxes": str(home.sandboxes),
        "worker_program": str(home.worker_program),
        "job_token_secret": str(secret),
        "run": str(home.run),
        "records": str(_records_settings(home)),
        "metrics_token": str(metrics_token),
    }
    issuer = {"issuer": issuer_name(settings), "jwks_file": str(keys), "groups_claim": "groups"}
    # JSON strings are TOML strings.
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    lines += ["", "[[issuers]]", f"audiences = [{json.dumps(AUDIENCE)}]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in issuer.items()]
    lines += ["", "[vos]", "users = []"]
    # Who runs an instance of one's own may ask it as much as one likes.
    lines += ["", "[limits]", "requests_per_minute = 0"]
    storage = {"kind": "local", "root": str(home.objects), "signing_secret": str(links)}
    lines += ["", "[storage]", *(f"{key} = {json.dumps(value)}" for key, value in storage.items())]
    workers = {"signing_key": str(home.signing_key), "domain": DOMAIN}
    lines += ["", "[worker_tokens]", *(f"{key} = {json.dumps(value)}" for key, value in workers.items())]
    lines += ["", "[workflows]", f"configuration = {json.dumps(HEAD_CONFIGURATION)}", ""]
    home.service_settings.write_text("\n".join(lines))
    _prepare_records(home)


def _prepare_records(home: Home) -> None:
    folder = home.path / "records"
    folder.mkdir(mode=0o700, exist_ok=True)
    values = {
        "database": f"sqlite:///{folder}/records.sqlite",
        "departed": str(departed(home)),
        "sandboxes": str(home.sandboxes),
        "service": str(home.service_settings),
    }
    write_private(_records_settings(home), "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))


def _records_settings(home: Home) -> Path:
    return home.path / "records.toml"


def process(home: Home) -> Process:
    """The API's process."""
    return Process(home.run / "api.pid")


def recorder(home: Home) -> Process:
    """The process that sees to it that finished jobs are brought into the database, and old ones swept."""
    return Process(home.run / "recorder.pid")


def environment(home: Home) -> dict[str, str]:
    """The environment of a process that speaks to the pool as the API does."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CONDOR_CONFIG": str(home.client_config),
        "PROMINENCE_SETTINGS": str(home.service_settings),
        "PROMINENCE_RECORDS": str(_records_settings(home)),
    }


_RECORDS = [sys.executable, "-m", "api.records"]


def migrate(home: Home) -> None:
    """Brings the tables of the database to this program's revision. Safe to repeat."""
    command = [*_RECORDS, "migrate"]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise DeployError(f"The tables of the database cannot be made: {done.stderr.strip()[-500:]}")


def start_recorder(home: Home) -> None:
    """Starts the recorder, watched, if it does not run, on tables of this program's revision."""
    process = recorder(home)
    if process.pid() is None:
        migrate(home)
        process.start([sys.executable, "-m", "api.records.watched"], home.log / "recorder.log", environment(home))


def start(settings: Settings, home: Home) -> None:
    """Starts the API if it does not run, and waits until it answers."""
    api = process(home)
    if api.pid() is None:
        address = f"{settings.host}:{settings.port}"
        command = [sys.executable, "-m", "gunicorn", "--bind", address, "--workers", str(_PROCESSES)]
        command += [
            "--worker-class",
            "gthread",
            "--threads",
            str(_THREADS),
            "--timeout",
            "30",
            "--graceful-timeout",
            "5",
            "--limit-request-line",
            "8190",
            "--keep-alive",
            "30",
        ]
        command += ["--no-control-socket", "api.wsgi:application()"]
        counts = home.run / "metrics"
        shutil.rmtree(counts, ignore_errors=True)
        counts.mkdir()
        api.start(command, home.log / "api.log", environment(home) | {"PROMETHEUS_MULTIPROC_DIR": str(counts)})
    deadline = time.monotonic() + 30
    while not _answers(settings):
        if api.pid() is None or time.monotonic() > deadline:
            tail = (home.log / "api.log").read_text(errors="replace").splitlines()[-20:]
            raise DeployError("The REST API did not come up:\n" + "\n".join(tail))
        time.sleep(0.05)


def stop(home: Home) -> None:
    """Ends the API and the recorder."""
    process(home).stop(_STOP_PATIENCE)
    recorder(home).stop(_STOP_PATIENCE)


def mint(
    settings: Settings, home: Home, user: str, groups: Sequence[str], entitlements: Sequence[str], lifetime: int
) -> str:
    """An access token of the embedded issuer; raises DeployError where it cannot be made."""
    try:
        return embedded.mint(
            home.keys / "issuer",
            issuer=issuer_name(settings),
            audience=AUDIENCE,
            user=user,
            groups=groups,
            entitlements=entitlements,
            lifetime=lifetime,
            now=time.time(),
        )
    except (ValueError, Misconfigured) as error:
        raise DeployError(f"No token can be made: {str(error).rstrip('.')}.") from error


def _answers(settings: Settings) -> bool:
    # Not through a proxy that the environment may name.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{settings.url}/health", timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
