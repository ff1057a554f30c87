"""The programs that mount storage: rclone for WebDAV, oneclient for Onedata.

Credentials are in the program's own environment alone: no argument and no file has them.

rclone keeps what tasks write in a cache on the worker's disk, because a WebDAV server takes whole files only, and stores each
file a second after it was closed. So tasks may write in any order and to any place, and a server that is out of reach for a
while costs no task anything. The cache knows what is not stored yet (worker/storage/writes.py).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, NamedTuple

from worker.environment import TOOL_PATH
from worker.scratch import Scratch
from worker.storage.documents import B2DROP, ONEDATA, Storage
from worker.storage.errors import StorageMountError, StorageUnsupportedError

_REMOTE = "storage"
_PATIENCE = 30.0


class Place(NamedTuple):
    """Where the storage is mounted, and what its program keeps beside, below a directory ``root`` of the job's scratch."""

    root: Path

    @classmethod
    def of(cls, scratch: Scratch) -> "Place":
        """The place in a job's scratch directory."""
        return cls(scratch.root / ".storage")

    @property
    def mount(self) -> Path:
        """The directory that it is mounted on."""
        return self.root / "mount"

    @property
    def cache(self) -> Path:
        """What is written, until it is stored."""
        return self.root / "cache"

    @property
    def log(self) -> Path:
        """What the program says."""
        return self.root / "log"

    def create(self) -> None:
        """Make the directories, empty. Raises OSError."""
        shutil.rmtree(self.root, ignore_errors=True)
        for directory in (self.root, self.mount, self.cache):
            directory.mkdir(mode=0o700)


class Program(NamedTuple):
    """The arguments and the whole environment of a mount program."""

    argv: List[str]
    env: Dict[str, str]


def program(storage: Storage, place: Place) -> Program:
    """The program that mounts ``storage``, and stays in the foreground. Raises StorageUnsupportedError, StorageMountError."""
    return _oneclient(storage, place) if storage.kind == ONEDATA else _rclone(storage, place)


def _rclone(storage: Storage, place: Place) -> Program:
    _require(storage, "rclone")
    options = {
        "--vfs-cache-mode": "writes",
        "--vfs-write-back": "1s",
        "--vfs-cache-max-age": "1m",  # of what is stored already: the cache counts as the job's disk
        "--cache-dir": str(place.cache),
        "--dir-cache-time": "30s",
        "--buffer-size": "4M",
        "--contimeout": "15s",
        "--devname": "prominence",
        "--log-level": "NOTICE",
    }
    argv = ["rclone", "mount", f"{_REMOTE}:", str(place.mount), "--use-json-log"]
    argv += [word for option in options.items() for word in option]
    remote = {
        "TYPE": "webdav",
        "URL": storage.server,
        # Only with these does rclone keep the times of files; servers that are neither pass over what they do not know.
        "VENDOR": "nextcloud" if storage.kind == B2DROP else "owncloud",
        "USER": storage.username,
        "PASS": _obscured(storage),
    }
    env = {f"RCLONE_CONFIG_{_REMOTE.upper()}_{name}": value for name, value in remote.items()}
    return Program(argv, {**_surroundings(place), "RCLONE_CONFIG": "", **env})


def _oneclient(storage: Storage, place: Place) -> Program:
    _require(storage, "oneclient")
    credentials = {"ONECLIENT_PROVIDER_HOST": storage.server, "ONECLIENT_ACCESS_TOKEN": storage.secret}
    argv = ["oneclient", "-f", "--log-dir", str(place.root), str(place.mount)]
    return Program(argv, {**_surroundings(place), **credentials})


def _surroundings(place: Place) -> Dict[str, str]:
    return {"PATH": TOOL_PATH, "HOME": str(place.root), "LANG": "C.UTF-8"}


def _require(storage: Storage, name: str) -> None:
    if shutil.which(name, path=TOOL_PATH) is None:
        raise StorageUnsupportedError(storage.shown, storage.kind, f"{name} is not installed there")


def _obscured(storage: Storage) -> str:
    """The password in the form that rclone wants it in, which hides it from a glance and no more."""
    try:
        done = subprocess.run(
            ["rclone", "obscure", "-"],
            input=f"{storage.secret}\n".encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": TOOL_PATH, "RCLONE_CONFIG": ""},
            timeout=_PATIENCE,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise StorageMountError(storage.shown, "rclone did not take the password") from error
    return done.stdout.decode("ascii").strip()
