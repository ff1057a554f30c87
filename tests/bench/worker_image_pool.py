"""A job on a worker in a machine of its own: boot, join, run, power off, by an emulated processor.

Run against a started instance that makes no workers (PROMINENCE_MOST_WORKERS=0): `CONDOR_CONFIG=~/.prominence/client_config
.venv/bin/python -m tests.bench.worker_image_pool worker.qcow2 --folder /tmp/bench`, with an image of `deploy/worker-image`, or
with one of `tests/bench/stock_image.py` and `--patience 3600`. The machine reaches head, API and an image by the emulator
alone, and Debian's archive and PyPI, which a stock image needs, as this machine does. Nobody can connect to it: its connections
are brokered (CCB). Prints the seconds, which are many times those of a real processor. Ends with 1 where the job was not
completed, and where the machine, which has no further job, has not powered itself off.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cloud_provisioner.contextualisation import WorkerFacts
from deploy import nodes
from deploy.home import POOL_PORT
from deploy.namespaces import remove_tree
from pool.worker_tokens import WorkerTokens
from tests.bench import worker_image
from tests.bench.submit import INSTANCE
from tests.bench.workflow_instance import Api
from tests.cloud import archive

SITE = "emulated"
IDLE = 300.0
"""Seconds without a job after which the machine powers itself off: longer than it takes to join."""
_FIRST = 100
# What is on loopback of the host, is on loopback of the machine: its own copies pass it on to the emulator, by these.
_WAYS = """
import asyncio, sys

async def pass_on(reader, writer):
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    writer.write_eof()

def joined(place):
    async def join(reader, writer):
        far_reader, far_writer = await asyncio.open_connection(*place)
        await asyncio.gather(pass_on(reader, far_writer), pass_on(far_reader, writer), return_exceptions=True)
        writer.close()
        far_writer.close()
    return join

async def main():
    for number, way in enumerate(sys.argv[1:]):
        host, port = way.split(":")
        await asyncio.start_server(joined((f"10.0.2.{100 + number}", int(port))), host, int(port))
    await asyncio.Event().wait()

asyncio.run(main())
"""
_FORWARD = """
import os, socket, sys, threading

far = socket.create_connection((sys.argv[1], int(sys.argv[2])))

def back():
    while piece := far.recv(65536):
        os.write(1, piece)
    os._exit(0)

threading.Thread(target=back).start()
while piece := os.read(0, 65536):
    far.sendall(piece)
far.shutdown(socket.SHUT_WR)
"""


def user_data(facts: WorkerFacts, ways: list[str]) -> str:
    """The worker's own, after what lets it reach the host's loopback."""
    command = " ".join(shlex.quote(word) for word in ("python3", "-c", _WAYS, *ways))
    return worker_image.user_data(facts, f"systemd-run --quiet --unit ways {command}\n")


def main() -> int:
    """Boots it, runs a job there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--patience", type=int, default=2 * worker_image.PATIENCE, help="seconds")
    args = parser.parse_args()
    folder: Path = args.folder.absolute() / "worker-image"
    remove_tree(folder)
    folder.mkdir(parents=True)
    settings, home = INSTANCE.settings, INSTANCE.home
    uuid = worker_image.UUID
    token = WorkerTokens(home.signing_key.read_bytes(), nodes.DOMAIN).mint(uuid, None, None, args.patience)
    facts = WorkerFacts(nodes.DOMAIN, settings.address(1), POOL_PORT, uuid, SITE, token, idle=IDLE)
    (folder / "forward.py").write_text(_FORWARD)
    with archive.served(home.images / "busybox") as image:
        source = urlsplit(image)
        ways = [f"{facts.head}:{facts.port}", f"{settings.host}:{settings.port}", f"{source.hostname}:{source.port}"]
        worker_image.drive(folder, facts.name, user_data(facts, ways))
        words = [way.split(":") for way in ways]
        forwards = "".join(
            f",guestfwd=tcp:10.0.2.{_FIRST + number}:{port}-cmd:python3 /mnt/forward.py {host} {port}"
            for number, (host, port) in enumerate(words)
        )
        server = Server(args.image.absolute(), folder, forwards, args.patience)
        return 0 if _completed(server, image) and _powered_off(server) else 1


class Server:
    """The machine, which ends with this process."""

    def __init__(self, image: Path, folder: Path, ways: str, patience: int) -> None:
        self.console = folder / "console.log"
        self.patience = patience
        self._began = time.monotonic()
        boot = (image, folder, "drive", ways, patience)
        self._thread = threading.Thread(target=worker_image.boot, args=boot, daemon=True)
        self._thread.start()

    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._began

    def wait(self, seconds: float) -> bool:
        """Waits for its end, for so long; whether it runs on."""
        self._thread.join(seconds)
        return self._thread.is_alive()


def _completed(server: Server, image: str) -> bool:
    api = Api()
    document: Mapping[str, object] = {
        "resources": {"cpus": 1, "memory": 0.25, "disk": 1},
        "tasks": [{"image": image, "cmd": "uname -rn"}],
        "policies": {"placement": {"requirements": {"sites": [SITE]}}},
    }
    number = int(api.call("POST", "/jobs", json.dumps(document).encode())["id"])
    status = ""
    while server.wait(1):
        (shown,) = api.call("GET", f"/jobs/{number}")
        if shown["status"] != status:
            status = shown["status"]
            print(f"{server.age():.0f} s: {status}", flush=True)
        if status in ("completed", "failed", "killed", "deleted"):
            print(shown["execution"])
            return status == "completed"
    print(f"the machine ended before the job did; its console is in {server.console}")
    return False


def _powered_off(server: Server) -> bool:
    if server.wait(server.patience - server.age()) or "Power down" not in server.console.read_text():
        print(f"it did not power itself off within {server.age():.0f} s; its console is in {server.console}")
        return False
    print(f"{server.age():.0f} s: powered off")
    return True


if __name__ == "__main__":
    sys.exit(main())
