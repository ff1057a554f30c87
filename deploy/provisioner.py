"""The provisioner of an instance: its settings, the description of this machine as a site, its process, its workers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from cloud_provisioner.drivers.local import servers
from cloud_provisioner.store.forgetting import forget_place
from cloud_provisioner.store.schema import open_database
from database.errors import DatabaseError
from deploy.errors import DeployError
from deploy.files import write_private
from deploy.home import POOL_PORT, Home, Settings
from deploy.namespaces import Process
from deploy.nodes import DOMAIN
from deploy.service import ROOT

SITE = "local"
"""The name of this machine as a site."""
_STOP_PATIENCE = 10.0
_DISK_GB = 100
"""The most that jobs may ask for, where so much is free."""


def process(home: Home) -> Process:
    """The provisioner's process."""
    return Process(home.run / "provisioner.pid")


def prepare(settings: Settings, home: Home, appliance: Path, drain: list[str]) -> None:
    """Writes the settings and this machine's description. Safe to repeat."""
    home.sites.mkdir(mode=0o700, exist_ok=True)
    home.workers.mkdir(mode=0o711, exist_ok=True)
    _database(home).parent.mkdir(mode=0o700, exist_ok=True)
    lines = _table(
        "",
        instance="quickstart",
        sites=str(home.sites),
        database=f"sqlite:///{_database(home)}",
        # The pool has this port at another address of the instance's own: who can listen there can listen here.
        metrics=f"{settings.address(2)}:{POOL_PORT}",
    )
    lines += _table(
        "pool",
        head=settings.address(1),
        port=POOL_PORT,
        domain=DOMAIN,
        signing_key=str(home.signing_key),
        drain=drain,
    )
    lines += _table("workers", image_folders="/images:/cvmfs", registry_mirror=settings.registry_mirror)
    # A machine that was switched off has lost its workers: nobody is to wait long for them.
    lines += _table("times", pool_settling=8, vanished=3, lost=60)
    lines += _table("pace", cycle=0.5, list_busy=1, list_calm=5, lease=5)
    write_private(home.provisioner_settings, "\n".join(lines) + "\n")
    # JSON is YAML.
    write_private(home.sites / f"{SITE}.yaml", json.dumps(_site(settings, home, appliance), indent=1) + "\n")


def _database(home: Home) -> Path:
    return home.path / "provisioner" / "provisioner.sqlite"


def _site(settings: Settings, home: Home, appliance: Path) -> dict[str, object]:
    return {
        "name": SITE,
        "driver": "local",
        "region": SITE,
        "appliance": str(appliance),
        "folder": str(home.workers),
        "images": str(home.images),
        "worker": {
            "cores": settings.worker_cpus,
            "memory_gb": settings.worker_memory / 1024,
            "disk_gb": max(1, min(_DISK_GB, shutil.disk_usage(home.path).free >> 30)),
        },
        "enabled": settings.most_workers > 0,
        "addresses": f"{settings.address(11)}-{settings.address(250)}",
        "limits": {"servers": settings.most_workers},
        "kept_ready": settings.workers,
        "keep_alive": 300,
    }


def _table(name: str, **values: object) -> list[str]:
    # JSON strings, numbers and lists are TOML's.
    return [*([f"[{name}]"] if name else []), *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""]


def start(home: Home) -> None:
    """Starts it if it does not run, on tables of this program's revision."""
    ours = process(home)
    if ours.pid() is not None:
        return
    command = [sys.executable, "-m", "cloud_provisioner", "migrate"]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise DeployError(f"The tables of the provisioner cannot be made: {done.stderr.strip()[-500:]}")
    ours.start([sys.executable, "-m", "cloud_provisioner", "run"], home.log / "provisioner.log", environment(home))


def stop(home: Home) -> None:
    """Ends it, and then the workers on this machine; those at clouds stay."""
    process(home).stop(_STOP_PATIENCE)
    if servers.remove_all(home.workers, _STOP_PATIENCE) and _database(home).is_file():
        # Without tables there are no records; those that stay behind are given up after a while.
        with suppress(DatabaseError):
            forget_place(open_database(f"sqlite:///{_database(home)}"), SITE)


def environment(home: Home) -> dict[str, str]:
    """The environment of the provisioner, and of its admins' commands."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CONDOR_CONFIG": str(home.provisioner_config),
        "PROMINENCE_PROVISIONER": str(home.provisioner_settings),
    }
