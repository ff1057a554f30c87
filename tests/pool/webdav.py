"""A real WebDAV server with a password, on a loopback address: rclone's, run in the appliance's root file system."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import requests

from deploy.namespaces import Machine, remove_tree
from worker.processes import descendants

PORT = 8088
USER, PASSWORD = "ada", "correct horse, battery"


class WebDav:
    """A server of the files in `folder`, for USER with PASSWORD."""

    def __init__(self, appliance: Path, folder: Path, host: str) -> None:
        self.url = f"http://{host}:{PORT}/"
        self.files = folder / "files"
        self._folder = folder
        self._machine = Machine("webdav", appliance, folder)
        self._address = f"{host}:{PORT}"
        self._process: subprocess.Popen[bytes] | None = None
        self.files.mkdir(parents=True)
        (folder / "credentials").write_text(f"export RCLONE_USER='{USER}' RCLONE_PASS='{PASSWORD}' RCLONE_CONFIG=''\n")
        self._log = folder / "log"

    def start(self, *options: str) -> None:
        """Starts it and waits until it answers; it sees new files at once. It ends with the process that started it."""
        serve = [
            "rclone",
            "serve",
            "webdav",
            "/pool/files",
            "--addr",
            self._address,
            "--dir-cache-time",
            "0s",
            *options,
        ]
        command = self._machine.command(["sh", "-c", '. /pool/credentials; exec "$@"', "sh", *serve])
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return requests.get(self.url, timeout=5, auth=(USER, PASSWORD)).status_code == 200
        except requests.ConnectionError:
            return False

    def fall_silent(self) -> None:
        """Lets it accept connections and answer nothing, until it is killed."""
        assert self._process is not None
        for pid in descendants(self._process.pid):
            os.kill(pid, signal.SIGSTOP)

    def kill(self) -> None:
        """Ends it at once, whatever it was doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def clean(self) -> None:
        """Ends it, and deletes all of it."""
        self.kill()
        remove_tree(self._folder)

    def storage(self, mountpoint: str = "/data", **changes: str) -> dict[str, Any]:
        """What a job says to have it mounted."""
        credentials = {"url": self.url, "username": USER, "password": PASSWORD, **changes}
        return {"type": "webdav", "mountpoint": mountpoint, "webdav": credentials}
