"""A machine of namespaces like a worker's, on which the benchmarks of the executor run programs as a slot's account."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy import appliance, example_image
from deploy.home import from_environment
from deploy.namespaces import Machine, remove_tree
from worker.build import build

ACCOUNT, GROUP = 2011, 2000
WORK = "/pool/work"
"""Folder of the account's own there."""


class WorkerMachine:
    """What it is made of is below `folder`, and gone after `close`."""

    def __init__(self, folder: Path) -> None:
        root = appliance.ensure(from_environment(os.environ).cache, print)
        pool, disk, images = folder / "pool", folder / "disk", folder / "images"
        for one in (pool / "work", disk / "upper", images):
            one.mkdir(parents=True)
        folder.chmod(0o711)
        (pool / "work").chmod(0o777)
        self.work = pool / "work"
        self.busybox = example_image.ensure(images)
        self.upper = disk / "upper"
        self._machine = Machine("bench", root, pool, disk, binds={images: "/images:ro"})
        self._disk = disk
        build(self.work / "worker.pyz", python=self._machine.command(["python3"]))

    def python(self, program: str, *arguments: str, timeout: float = 1800) -> str:
        """What a Python program prints there."""
        file = self.work / "program.py"
        file.write_text(program)
        account = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={GROUP}", "--clear-groups"]
        return self.run([*account, "python3", f"{WORK}/program.py", *arguments], timeout)

    def run(self, command: Sequence[str], timeout: float) -> str:
        """What a command prints there, run as root."""
        done = subprocess.run(
            self._machine.command(command), stdout=subprocess.PIPE, text=True, timeout=timeout, check=True
        )
        return done.stdout

    def close(self) -> None:
        """Deletes what accounts other than this one's own left."""
        remove_tree(self._disk, self.work)
