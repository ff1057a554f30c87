"""What one task costs under the executor over a bare `apptainer exec` of the same, warm: wall time and CPU time.

`.venv/bin/python -m tests.bench.task [ROUNDS]`. The executor and the bare command take turns, once with an image that lies on
the worker as a directory, once with one from a registry on the loopback interface that is in the worker's store.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from deploy.home import from_environment
from tests.bench.worker_machine import WORK, WorkerMachine
from tests.pool.registry import Registry, layer, program

HOST = "127.45.45.45"

MEASURE = """
import json, os, resource, shutil, subprocess, sys, time
from pathlib import Path
image, rounds = sys.argv[2], int(sys.argv[3])
scratch = Path(sys.argv[1], "scratch")
cache = Path(sys.argv[1], "cache")
cache.mkdir(exist_ok=True)
ad = f'Cpus = 1\\nMemory = 1024\\nDisk = 1048576\\nProminenceImageDirs = "/images"\\nProminenceImageCache = "{cache}"\\n'
document = {"version": 1, "name": "", "resources": {"cpus": 1, "disk": 1}, "tasks": [{"image": image, "cmd": "true"}]}

def used():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime

def timed(command, env):
    before = used()
    subprocess.run(command, env=env, cwd=scratch, stdin=subprocess.DEVNULL, check=True)
    return [now - then for now, then in zip(used(), before)]

def ours():
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    (scratch / "machine.ad").write_text(ad)
    (scratch / "token").write_text("T")
    (scratch / "job.json").write_text(json.dumps(document))
    env = {"_CONDOR_SCRATCH_DIR": str(scratch), "_CONDOR_MACHINE_AD": str(scratch / "machine.ad"), "PATH": os.environ["PATH"]}
    return timed([Path(sys.argv[1], "worker.pyz")], env)

def bare(directory):
    command = ["apptainer", "-s", "exec", "--userns", "--pid", "--ipc", "--contain", "--cleanenv", "--no-eval"]
    command += ["--home", f"{scratch}/home:/home/user", "--workdir", f"{scratch}/.work", "--pwd", "/home/user"]
    return timed([*command, directory, "true"], {"PATH": os.environ["PATH"], "HOME": str(scratch)})

ours()
directory = image if image.startswith("/") else next((cache / "images").glob("*/rootfs"))
figures = {"ours": [], "bare": []}
for _ in range(rounds):
    figures["ours"].append(ours())
    figures["bare"].append(bare(directory))
json.dump(figures, sys.stdout)
"""


def measure(machine: WorkerMachine, what: str, image: str, rounds: int) -> None:
    """Prints the figures of one image."""
    figures = json.loads(machine.python(MEASURE, WORK, image, str(rounds)))
    for number, kind in enumerate(("wall time", "CPU time")):
        ours, bare = ([one[number] for one in figures[name]] for name in ("ours", "bare"))
        over = [one - other for one, other in zip(ours, bare, strict=True)]
        print(
            f"{what}, {kind}: ours {_ms(statistics.median(ours))}, bare {_ms(statistics.median(bare))}; "
            f"more: median {_ms(statistics.median(over))}, worst {_ms(max(over))}"
        )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def main() -> None:
    """Prints the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as name:
        machine = WorkerMachine(Path(name) / "machine")
        cache = from_environment(os.environ).cache
        registry = Registry(program(cache), Path(name) / "registry", HOST)
        try:
            registry.start()
            registry.push("bench/busybox", "1", layer(machine.busybox, {}))
            measure(machine, "a directory", "/images/busybox", rounds)
            measure(machine, "an image from a registry", f"{registry.address}/bench/busybox:1", rounds)
        finally:
            registry.kill()
            machine.close()


if __name__ == "__main__":
    main()
