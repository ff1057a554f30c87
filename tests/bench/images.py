"""What an image costs as a directory and as a SIF file: to make it of a registry's layers, and to start `true` in it.

`.venv/bin/python -m tests.bench.images [MEGABYTES...]`. The images are the example image with files of this machine's own
packages beside it. SIF files are mounted by squashfuse, which the appliance does not have: it is put there for this. Without
it, or without a usable /dev/fuse, Apptainer unpacks a SIF file at each start, as it is told to here for the last figure.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import statistics
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy import debian
from tests.bench.worker_machine import WORK, WorkerMachine
from worker.images.pull import write_index

MB = 2**20
_FUSE = ("squashfuse", "libsquashfuse0", "libfuse3-3")

MEASURE = """
import json, os, statistics, subprocess, sys, time
os.chdir(sys.argv[1])
env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": os.getcwd(), "APPTAINER_TMPDIR": os.getcwd()}

def timed(*command):
    began = time.perf_counter()
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout)
    return time.perf_counter() - began

def start(*image, rounds=11):
    command = ["apptainer", "-s", "exec", "--userns", "--pid", "--ipc", "--contain", "--cleanenv", "--no-home"]
    return [timed(*command, *image, "true") for _ in range(rounds)]

build = ["apptainer", "-s", "build", "--disable-cache", "--fix-perms"]
figures = {
    "make a directory": [timed(*build, "--sandbox", "directory", "oci:" + os.getcwd() + "/layout")],
    "make a SIF file": [timed(*build, "image.sif", "oci:" + os.getcwd() + "/layout")],
    "make a directory of the SIF file": [timed(*build, "--sandbox", "of_sif", "image.sif")],
    "start in the directory": start("directory"),
    "start in the SIF file, mounted": start("image.sif"),
    "start in the SIF file, unpacked": start("--unsquash", "image.sif", rounds=3),
}
json.dump(figures, sys.stdout)
"""


def files(size: int) -> Iterator[Path]:
    """Files of this machine's packages of so many bytes in all, the same ones each time."""
    left = size
    for folder, folders, names in os.walk("/usr/lib"):
        folders.sort()
        for path in (Path(folder) / name for name in sorted(names)):
            if path.is_file() and not path.is_symlink():
                left -= path.stat().st_size
                if left < 0:
                    return
                yield path


def layout(target: Path, busybox: Path, size: int) -> int:
    """Writes an image as a registry's layers into `target`; how many bytes it has compressed."""
    blobs = target / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    plain, packed = target / "plain.tar", target / "packed.tar.gz"
    with tarfile.open(plain, "w") as archive:
        archive.add(busybox, ".")
        for path in files(size):
            archive.add(path, f"packages{path}")
    digest = hashlib.sha256()
    with plain.open("rb") as source, gzip.open(packed, "wb", 6) as compressed:
        while data := source.read(MB):
            digest.update(data)
            compressed.write(data)
    plain.unlink()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest.hexdigest()}"]},
    }
    written = packed.stat().st_size
    layer = {"size": written, "digest": f"sha256:{_into(blobs, packed)}"}
    described = target / "config.json"
    described.write_text(json.dumps(config))
    size_of_config = described.stat().st_size
    kinds = ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip")
    manifest = {
        "schemaVersion": 2,
        "config": {"mediaType": kinds[0], "size": size_of_config, "digest": f"sha256:{_into(blobs, described)}"},
        "layers": [{"mediaType": kinds[1], **layer}],
    }
    write_index(target, json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")
    return written


def _into(blobs: Path, file: Path) -> str:
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    file.rename(blobs / sha256)
    return sha256


def measure(size: int) -> None:
    """Prints the figures of an image of so many megabytes."""
    with tempfile.TemporaryDirectory() as name:
        machine = WorkerMachine(Path(name))
        try:
            for package in _FUSE:
                debian.unpack(package, machine.upper)
            packed = layout(machine.work / "layout", machine.busybox, size * MB)
            figures = json.loads(machine.python(MEASURE, WORK))
        finally:
            machine.close()
    print(f"{size} MB, {packed / MB:.0f} MB compressed:")
    for what, seconds in figures.items():
        print(f"  {what}: median {statistics.median(seconds):.3f} s, worst {max(seconds):.3f} s")


def main() -> None:
    """Prints the figures."""
    for size in map(int, sys.argv[1:] or ("10", "200", "800")):
        measure(size)


if __name__ == "__main__":
    main()
