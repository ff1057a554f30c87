"""A real boot of the image of workers, emulated: what its user data finds there, and after how many seconds.

Run: `.venv/bin/python -m tests.bench.worker_image worker.qcow2 --folder /tmp/bench`, with an image of `deploy/worker-image`.
The server gets a config drive with a worker's real user data, whose pool is nowhere, and says on its console what became
of it. Prints what it said and the seconds, which are those of an emulated processor: many times those of a real one. Ends
with 1 where the worker was not started; after 10 minutes at the latest.
With `--metadata` there is no config drive: the user data comes from a metadata service.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from cloud_provisioner.contextualisation import WorkerFacts, render
from deploy import disk
from deploy.home import from_environment
from deploy.namespaces import contained, remove_tree

EMULATOR = ("qemu-system-x86", "qemu-utils", "seabios", "xorriso", "iproute2", "python3")
PATIENCE = 600
UUID = "0123456789abcdef0123456789abcdef"
# The server's network ends in a namespace, where nobody is but the metadata service, if it is wanted; unless there are
# ways out, which are words for QEMU's user network. The folder is /mnt there; nothing of the image itself is written to.
BOOT = """
set -e
mount --bind "$2" "$1/mnt"
mount --bind "$3" "$1/srv"
mount --rbind /dev "$1/dev"
[ -n "$6" ] || isolated="unshare --net"
exec $isolated chroot "$1" /bin/sh -ec '
    if [ -z "$3" ]; then
        ip link set lo up
        ip address add 169.254.169.254/32 dev lo
    fi
    nic="user,model=virtio-net-pci$3" patience=$4
    qemu-img create -q -f qcow2 -b "/srv/$1" -F qcow2 /mnt/disk.qcow2 8G
    if [ "$2" = drive ]; then
        xorriso -as mkisofs -quiet -V config-2 -r -J -o /mnt/config.iso /mnt/drive 2>/dev/null
        set -- -drive file=/mnt/config.iso,if=virtio,format=raw,readonly=on
    else
        python3 /mnt/metadata.py &
        set -- -smbios type=1,product="OpenStack Nova"
    fi
    exec timeout "$patience" nice -n 19 qemu-system-x86_64 -machine pc,accel=tcg -cpu max -smp 1 -m 1024 -display none \
        -no-reboot -serial stdio -monitor none -nic "$nic" -device virtio-rng-pci \
        -drive file=/mnt/disk.qcow2,if=virtio "$@" </dev/null
' boot "$4" "$5" "$6" "$7"
"""
METADATA = """
from http.server import HTTPServer, SimpleHTTPRequestHandler

class Service(SimpleHTTPRequestHandler):
    def __init__(self, *arguments):
        super().__init__(*arguments, directory="/mnt/drive")

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.rstrip("/") != "/openstack":
            return super().do_GET()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"latest")

HTTPServer(("169.254.169.254", 80), Service).serve_forever()
"""
# Before and behind the real user data, which asks systemd for the worker's service.
BEGUN = """
told() { echo "told: $*" >/dev/console; }
told "user data begun after $(cut -d. -f1 /proc/uptime) s"
"""
STARTED = """
told "user data after $(cut -d. -f1 /proc/uptime) s"
for _ in $(seq 120); do systemctl is-active -q prominence-worker.service && break; sleep 1; done
told "service $(systemctl is-active prominence-worker.service) after $(cut -d. -f1 /proc/uptime) s"
for _ in $(seq 60); do pgrep condor_startd >/dev/null && break; sleep 1; done
told "startd $(pgrep -c condor_startd) after $(cut -d. -f1 /proc/uptime) s"
"""
PROBE = """
is_complete && told "complete"
told "user data from $(cut -d: -f1 /var/lib/cloud/instance/datasource)"
told "disk $(df --output=size -m / | tail -1) MB"
told "condor.service $(systemctl is-enabled condor.service)"
told "name $(hostname), machine id $(wc -c </etc/machine-id) bytes"
told "address $(ip -4 -br address show scope global)"
told "failed units: $(systemctl --failed --plain --no-legend | cut -d' ' -f1 | xargs)"
systemctl poweroff --force
"""


def nowhere() -> WorkerFacts:
    """Facts of a worker whose pool is nowhere."""
    claims = {"iat": int(time.time()), "exp": int(time.time()) + 3600}
    token = f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.e30"
    return WorkerFacts("pool.example", "10.0.2.99", 9618, UUID, "cloud", token)


def drive(folder: Path, name: str, user_data: str) -> None:
    """Lays out a config drive as OpenStack does, which is what its metadata service shows as well."""
    place = folder / "drive" / "openstack" / "latest"
    place.mkdir(parents=True)
    (place / "user_data").write_text(user_data)
    (place / "meta_data.json").write_text(json.dumps({"uuid": UUID, "hostname": name, "name": name}))


def emulator() -> Path:
    """The root file system with the emulator; made where it is not there."""
    return disk.tools(from_environment(os.environ).cache / "worker-image", EMULATOR, "emulator", print)


def user_data(facts: WorkerFacts, first: str = "", then: str = "") -> str:
    """The worker's own, between `first` and `then`; it says on the console how far it has come."""
    line, rest = render(facts).split("\n", 1)
    return f"{line}\n{BEGUN}{first}{rest}{STARTED}{then}"


def boot(image: Path, folder: Path, source: str, ways: str = "", patience: int = PATIENCE) -> list[str]:
    """Lines that the server said to be told, printed as they come; it is ended after `patience` seconds at the latest."""
    words = [str(emulator()), str(folder), str(image.parent), image.name, source, ways, str(patience)]
    told = []
    with (
        (folder / "console.log").open("w") as log,
        subprocess.Popen(
            contained(["sh", "-c", BOOT, "boot", *words]), stdout=subprocess.PIPE, text=True, errors="replace"
        ) as server,
    ):
        assert server.stdout
        for line in server.stdout:
            log.write(line)
            log.flush()
            if "told: " in line:
                told.append(line.split("told: ", 1)[1].strip())
                print(told[-1], flush=True)
    return told


def main() -> int:
    """Boots it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--metadata", action="store_true")
    args = parser.parse_args()
    folder: Path = args.folder.absolute() / "worker-image"
    remove_tree(folder)
    folder.mkdir(parents=True)
    facts = nowhere()
    drive(folder, facts.name, user_data(facts, then=PROBE))
    (folder / "metadata.py").write_text(METADATA)
    began = time.monotonic()
    told = boot(args.image.absolute(), folder, "metadata" if args.metadata else "drive")
    print(f"ended after {time.monotonic() - began:.0f} s; its console is in {folder}/console.log")
    return 0 if "complete" in told and any(line.startswith("service active") for line in told) else 1


if __name__ == "__main__":
    sys.exit(main())
