"""A job on the image of workers, in a machine of its own: boot, join, run, by an emulated processor.

Run against a started instance that makes no workers (PROMINENCE_MOST_WORKERS=0): `CONDOR_CONFIG=~/.prominence/client_config
.venv/bin/python -m tests.bench.worker_image_pool worker.qcow2 --folder /tmp/bench`, with an image of `deploy/worker-image`. The
machine reaches the head, the API and an image by the emulator alone, and nobody can connect to it: its connections are brokered
(CCB). Prints the seconds, which are many times those of a real processor.
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

from cloud_provisioner.contextualisation import WorkerFacts, render
from deploy import nodes
from deploy.home import POOL_PORT
from deploy.namespaces import remove_tree
from pool.worker_tokens import WorkerTokens
from tests.bench import worker_image
from tests.bench.submit import INSTANCE
from tests.bench.workflow_instance import Api
from tests.cloud import archive

SITE = "emulated"
PATIENCE = 600.0
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
    first, rest = render(facts).split("\n", 1)
    command = " ".join(shlex.quote(word) for word in ("python3", "-c", _WAYS, *ways))
    return f"{first}\nsystemd-run --quiet --unit ways {command}\n{rest}"


def main() -> int:
    """Boots it, runs a job there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    args = parser.parse_args()
    folder: Path = args.folder.absolute() / "worker-image"
    remove_tree(folder)
    folder.mkdir(parents=True)
    settings, home = INSTANCE.settings, INSTANCE.home
    uuid = worker_image.UUID
    token = WorkerTokens(home.signing_key.read_bytes(), nodes.DOMAIN).mint(uuid, None, None, 3600)
    facts = WorkerFacts(nodes.DOMAIN, settings.address(1), POOL_PORT, uuid, SITE, token)
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
        return _job(args.image.absolute(), folder, forwards, image)


def _job(image_file: Path, folder: Path, forwards: str, image: str) -> int:
    api = Api()
    task = {"image": image, "cmd": "uname -rn"}
    document: Mapping[str, object] = {
        "resources": {"cpus": 1, "memory": 0.25, "disk": 1},
        "tasks": [task],
        "policies": {"placement": {"requirements": {"sites": [SITE]}}},
    }
    number = int(api.call("POST", "/jobs", json.dumps(document).encode())["id"])
    began = time.monotonic()
    # It ends with this process.
    threading.Thread(target=worker_image.boot, args=(image_file, folder, "drive", forwards), daemon=True).start()
    status = ""
    while time.monotonic() - began < PATIENCE:
        (shown,) = api.call("GET", f"/jobs/{number}")
        if shown["status"] != status:
            status = shown["status"]
            print(f"{time.monotonic() - began:.0f} s: {status}", flush=True)
        if status in ("completed", "failed", "killed", "deleted"):
            print(shown["execution"])
            return int(status != "completed")
        time.sleep(1)
    print(f"not within {PATIENCE:g} s; its console is in {folder}/console.log")
    return 1


if __name__ == "__main__":
    sys.exit(main())
