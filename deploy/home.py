"""Where an instance keeps its things, and the settings it was started with.

Everything that belongs to an instance is below one folder (`PROMINENCE_HOME`) and one port (`PROMINENCE_PORT`). Its pool
listens on loopback addresses derived from the port, 127.HIGH.LOW.n, so two instances never meet.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DeployError
from deploy.locks import unusable
from worker.images.registry import of_mirror

POOL_PORT = 29618
"""TCP port of the pool's shared port on the instance's own loopback address (9618 is left to an installed HTCondor)."""

_MARKS = {"nodes", "sandboxes", "keys", "run"}  # a folder that has all of these is an instance


@dataclass(frozen=True)
class Settings:
    """What a person may choose for an instance, by environment variables."""

    home: Path
    cache: Path
    port: int = 8080
    workers: int = 0
    """Kept ready; others come and go with the jobs."""
    most_workers: int = 1
    """At a time; 0: this machine has none."""
    worker_cpus: int = 1
    worker_memory: int = 1024
    registry_mirror: str = ""

    @property
    def host(self) -> str:
        """Address under which workers reach this machine."""
        return "127.0.0.1"

    @property
    def url(self) -> str:
        """Base address of the REST API."""
        return f"http://{self.host}:{self.port}/prominence/v1"

    def address(self, number: int) -> str:
        """Loopback address of node `number` of the instance's pool; 1 is the head."""
        return f"127.{self.port >> 8}.{self.port & 255}.{number}"


def from_environment(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`; raises DeployError with the variable's name where one cannot be used.

    An instance keeps the port it was started with, until it is started with another.
    """
    user_home = Path(environ.get("HOME") or "/root")
    cache = Path(environ.get("XDG_CACHE_HOME") or user_home / ".cache") / "prominence"
    cpus = _number(environ, "PROMINENCE_WORKER_CPUS", min(os.cpu_count() or 1, 128), 1, 128)
    workers = _number(environ, "PROMINENCE_WORKERS", 0, 0, 64)
    most = max(workers, _number(environ, "PROMINENCE_MOST_WORKERS", 1, 0, 64))
    home = _folder(environ, "PROMINENCE_HOME", user_home / ".prominence")
    return Settings(
        home=home,
        cache=_folder(environ, "PROMINENCE_CACHE", cache),
        port=_number(environ, "PROMINENCE_PORT", Home(home).recorded_port() or 8080, 1024, 65535),
        workers=workers,
        most_workers=most,
        worker_cpus=cpus,
        worker_memory=_machine_memory() * 3 // 4 // max(1, most),
        registry_mirror=_mirror(environ.get("PROMINENCE_REGISTRY_MIRROR", "")),
    )


def _number(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environ.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,6}", text) or not low <= int(text) <= high:
        raise DeployError(f"{name} is {text!r}: give a whole number from {low} to {high}.")
    return int(text)


def _folder(environ: Mapping[str, str], name: str, default: Path) -> Path:
    path = Path(environ.get(name) or default).absolute()
    if not re.fullmatch(r"[\w/.+-]+", str(path), re.ASCII):
        raise DeployError(
            f"{name} is {str(path)!r}: choose a path of letters, digits and /._+- alone; it becomes part of mount options."
        )
    return path


def _mirror(url: str) -> str:
    if url and (not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+/?", url) or of_mirror(url) is None):
        raise DeployError(
            f"PROMINENCE_REGISTRY_MIRROR is {url!r}: give an address such as https://mirror.example:5000; "
            "one on this machine may be http://127.0.0.1:5000."
        )
    return url.rstrip("/")


def _machine_memory() -> int:
    """Memory of this machine in MB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


@dataclass(frozen=True)
class Home:
    """The layout of an instance's folder."""

    path: Path

    @property
    def nodes(self) -> Path:
        """One folder a node of the pool: its configuration, logs and disk."""
        return self.path / "nodes"

    @property
    def signing_key(self) -> Path:
        """The pool's signing key, which the head keeps."""
        return self.nodes / "head" / "pool" / "keys" / "POOL"

    @property
    def sandboxes(self) -> Path:
        """One folder a job: what it was given and what it wrote."""
        return self.path / "sandboxes"

    @property
    def objects(self) -> Path:
        """What users uploaded and jobs stored."""
        return self.path / "objects"

    @property
    def images(self) -> Path:
        """Container images that workers see as /images."""
        return self.path / "images"

    @property
    def keys(self) -> Path:
        """Secrets of the instance: folder 0700, files 0600."""
        return self.path / "keys"

    @property
    def run(self) -> Path:
        """Process ids of what runs."""
        return self.path / "run"

    @property
    def log(self) -> Path:
        """Logs of the REST API and of the nodes' starts."""
        return self.path / "log"

    @property
    def worker_program(self) -> Path:
        """The executor as HTCondor ships it to workers; its folder is seen by the head."""
        return self.path / "program" / "worker.pyz"

    @property
    def port(self) -> Path:
        """The port that the instance was last started with."""
        return self.path / "port"

    @property
    def service_settings(self) -> Path:
        """Settings of the REST API."""
        return self.path / "service.toml"

    @property
    def client_config(self) -> Path:
        """HTCondor configuration of processes that speak to the pool from outside of it."""
        return self.path / "client_config"

    @property
    def provisioner_config(self) -> Path:
        """The same for the provisioner, whose token has other rights."""
        return self.path / "provisioner_config"

    @property
    def provisioner_settings(self) -> Path:
        """Settings of the provisioner."""
        return self.path / "provisioner.toml"

    @property
    def sites(self) -> Path:
        """Descriptions of the clouds in which workers are made; this machine is one of them."""
        return self.path / "sites.d"

    @property
    def workers(self) -> Path:
        """One folder a worker on this machine."""
        return self.path / "workers"

    def recorded_port(self) -> int | None:
        """The port that the instance was last started with, None where it never was."""
        try:
            return int(self.port.read_text())
        except (OSError, ValueError):
            return None

    def make(self) -> None:
        """Creates the folders that are not there; the whole home is the caller's alone.

        Raises DeployError where the folder cannot be had, or is something else: `clean` deletes it with all that is in it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            others = self.foreign()
            if others:
                raise DeployError(
                    f"The folder {self.path} holds other things ({others[0]}): choose an empty one with PROMINENCE_HOME."
                )
            # Searchable, so that slot accounts reach what is bound for them, but nothing readable by others is in it.
            self.path.chmod(0o711)
            for folder, mode in self._folders():
                folder.mkdir(exist_ok=True)
                folder.chmod(mode)
        except OSError as error:
            raise unusable(self.path, error) from error

    def foreign(self) -> list[str]:
        """Names of what is in the folder, sorted, where that is no instance, whole or half made; else nothing."""
        try:
            names = {entry.name for entry in self.path.iterdir()}
        except OSError as error:
            raise unusable(self.path, error) from error
        return [] if names >= _MARKS or names <= _MARKS else sorted(names - _MARKS)

    def _folders(self) -> list[tuple[Path, int]]:
        return [
            # First those by which an instance is known: one that was killed here is known, too.
            (self.nodes, 0o711),
            (self.sandboxes, 0o700),
            (self.keys, 0o700),
            (self.run, 0o700),
            (self.objects, 0o700),
            (self.images, 0o755),
            (self.worker_program.parent, 0o755),
            (self.log, 0o700),
        ]
