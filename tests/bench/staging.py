"""What the worker's transfers cost over curl's: one large file from and to the service's own store, on the loopback interface.

`.venv/bin/python -m tests.bench.staging [MEGABYTES] [ROUNDS]`; it starts a server of its own. The two take turns, and the
medians of the rounds are compared. Prints figures, and the most memory that a transfer of ours came to use.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.unit.api.objects.serving import Server, gunicorn, job_token, make_keys
from tests.unit.api.objects.test_objects_http import download

MB = 2**20
TOP = Path(__file__).resolve().parents[2]

FETCH = """
import sys
from pathlib import Path
from worker.staging.documents import Artifact
from worker.staging.download import fetch
from worker.staging.room import Room
from worker.staging.terms import Terms
fetch(Artifact(sys.argv[1], sha256=sys.argv[3]), Path(sys.argv[2]), Room(2**50), Terms(lambda: None, print))
"""
STORE = """
import sys
from pathlib import Path
from worker.scratch import Scratch
from worker.staging.outputs import Stage, Wanted, stage
from worker.staging.terms import Terms
from worker.staging.upload import Service
around = Stage(Scratch(Path(sys.argv[1])), Service(*sys.argv[2:4]), Terms(lambda: None, print), [], lambda: 0.0)
failure = stage(Wanted(["large"], []), around)
if failure:
    sys.exit(failure.message)
"""
MEMORY = """
from pathlib import Path
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


def ours(program: str, *arguments: str) -> int:
    """Run a program over the worker's package; the most memory that it used, in KB."""
    command = [sys.executable, "-c", program + MEMORY, *arguments]
    done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, check=True, timeout=1200)
    return int(done.stdout.split()[-1])


def curl(*arguments: str) -> int:
    """Run curl."""
    subprocess.run(["curl", "--silent", "--show-error", "--fail", *arguments], check=True, timeout=1200)
    return 0


def timed(transfer: Callable[[], int]) -> tuple[float, int]:
    """Seconds, and KB of memory."""
    os.sync()
    began = time.perf_counter()
    memory = transfer()
    return time.perf_counter() - began, memory


def compare(what: str, rounds: int, theirs: Callable[[], int], mine: Callable[[], int]) -> None:
    """Prints the medians and all of the rounds. Who is first alternates: the disk is still busy with what the other wrote."""
    curls, owns, memory = [], [], 0
    for number in range(rounds):
        if number % 2 == 0:
            curls.append(timed(theirs)[0])
        seconds, used = timed(mine)
        owns.append(seconds)
        memory = max(memory, used)
        if number % 2:
            curls.append(timed(theirs)[0])
    every = ", ".join(f"{one:.2f}/{other:.2f}" for one, other in zip(curls, owns, strict=True))
    usual, own = statistics.median(curls), statistics.median(owns)
    print(f"{what}: curl {usual:.2f} s, ours {own:.2f} s ({own / usual:.2f}), {memory / 1024:.0f} MB; all: {every}")


def measure(server: Server, folder: Path, total: int, rounds: int) -> None:
    """Upload and download of one file of `total` megabytes."""
    scratch = folder / "scratch"
    (scratch / "home").mkdir(parents=True)
    large = scratch / "home" / "large"
    subprocess.run(["dd", "if=/dev/urandom", f"of={large}", "bs=1M", f"count={total}", "status=none"], check=True)
    sha256 = subprocess.run(["sha256sum", large], check=True, capture_output=True, text=True).stdout.split()[0]
    token = job_token(server.keys, "benchmark")
    compare(
        f"{total} MB up",
        rounds,
        lambda: curl("--upload-file", str(large), "--output", "/dev/null", server.link("large", size=total * MB)),
        lambda: ours(STORE, str(scratch), server.url, token),
    )
    large.unlink()
    url = download(server, "large")
    compare(
        f"{total} MB down",
        rounds,
        lambda: curl("--output", str(folder / "got"), url),
        lambda: ours(FETCH, url, str(folder / "got"), sha256),
    )


def main() -> None:
    """Prints the figures."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 2048
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = make_keys(folder / "keys")
        storage = {"kind": "local", "root": str(folder / "root"), "signing_secret": str(keys / "signing-secret")}
        with gunicorn(folder, keys, {**storage, "largest_object": 10**11}) as server:
            measure(server, folder, total, rounds)


if __name__ == "__main__":
    main()
