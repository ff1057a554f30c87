"""The records at scale: finished jobs through the recorder, and what lists and accounting cost among them.

Run: `.venv/bin/python -m tests.bench.records --jobs 20000 --folder /tmp/bench`, with `--database URL` for PostgreSQL (an empty
database). The access point is played by this process, which leaves files as it does, never more than PENDING at once; the
recorder is the real process. Prints minutes, the recorder's memory and CPU time, and latencies; removes what it made but the
database.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from api.records.finished import FinishedJobs, Query
from api.records.schema import open_database
from api.records.usage import Usage
from database.transactions import Database

PENDING = 20_000
STEP = 1_000
USERS = 100
ISSUER = "https://issuer.example.org/realm"
EPOCH = 1_700_000_000
TASK = {"exitCode": 0, "retries": 0, "imagePullTime": -1, "wallTimeUsage": 55.5, "cpuTimeUsage": 44.4}
REPORT = {"version": 1, "state": "completed", "reason": None, "nodes": [{"node": 0, "site": "A", "tasks": [TASK]}]}
PADDING = "".join(f'Attribute{number:03} = "{"x" * 16}"\n' for number in range(100))


def leave(folder: Path, sandboxes: Path, number: int) -> None:
    """One job leaves the queue."""
    name, user = uuid.uuid4().hex, f"user{number % USERS:03}"
    task = {"image": "registry.example.org/tool:1", "cmd": f"work --seed {number}", "env": {"A": "b"}}
    resources, labels = {"cpus": 2, "memory": 2}, {"run": str(number % 50)}
    document = {"name": f"job{number}", "resources": resources, "labels": labels, "tasks": [task]}
    text = json.dumps(document).replace('"', '\\"')
    content = (
        f"{PADDING}ClusterId = {number}\nCompletionDate = {EPOCH + number}\nExitCode = 0\n"
        f'JobBatchName = "job{number}"\nJobCurrentStartExecutingDate = {EPOCH + number - 60}\nJobStatus = 4\n'
        f'MaxHosts = 1\nOwner = "{user}"\nProcId = 0\nProminenceGroup = "vo{number % 7}"\n'
        f'ProminenceIssuer = "{ISSUER}"\nProminenceJob = "{text}"\nProminenceLabels = {{ "run={number % 50}" }}\n'
        f'ProminenceSubmission = "{name}"\nProminenceUser = "{user}"\nQDate = {EPOCH + number - 90}\n'
        f'RemoteUserCpu = 40.0\nRemoteWallClockTime = 60.0\nRequestCpus = 2\nUser = "{user}@prominence"\n'
    )
    (sandboxes / name).symlink_to("../template")
    temporary = folder / f".history.{number}.0.tmp"
    temporary.write_text(content)
    temporary.rename(folder / f"history.{number}.0")


def resident(pid: int) -> float:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def cpu_seconds(pid: int) -> float:
    """CPU time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pending(folder: Path) -> int:
    """How many files wait."""
    return sum(1 for _ in os.scandir(folder))


def feed(jobs: int, base: Path, pid: int) -> None:
    """Lets `jobs` jobs leave, and waits until they are recorded."""
    departed, sandboxes = base / "departed", base / "sandboxes"
    for first in range(1, jobs + 1, STEP):
        while pending(departed) > PENDING:
            time.sleep(0.2)
        for number in range(first, min(first + STEP, jobs + 1)):
            leave(departed, sandboxes, number)
        if first % 50_000 == 1:
            print(f"{first - 1:>9} left the queue; recorder {resident(pid):.1f} MB", flush=True)
            forget(sandboxes, departed)
    while pending(departed):
        time.sleep(0.2)


def forget(sandboxes: Path, departed: Path) -> None:
    """Deletes the folders of jobs while none waits."""
    while pending(departed):
        time.sleep(0.2)
    shutil.rmtree(sandboxes)
    sandboxes.mkdir()


def latency(name: str, work: Callable[[], object], times: int = 200) -> None:
    """Prints how long `work` takes."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1e3)
    taken.sort()
    tail = taken[int(len(taken) * 0.95)]
    print(f"{name:48} p50 {statistics.median(taken):8.2f} ms, p95 {tail:8.2f} ms, worst {taken[-1]:8.2f} ms")


def ask(database: Database, jobs: int) -> None:
    """Prints what reading costs."""
    finished, usage = FinishedJobs(database), Usage(database)

    def user() -> tuple[str, str]:
        return ISSUER, f"user{random.randrange(USERS):03}"

    found = finished.select(Query(*user(), limit=100))
    assert len(found) == min(100, jobs // USERS), len(found)
    latency("last 100 of a user", lambda: finished.select(Query(*user(), limit=100)))
    latency("last 100 of a user with a label", lambda: finished.select(Query(*user(), label="run=1", limit=100)))
    latency("by name", lambda: finished.select(Query(*user(), name=f"job{random.randrange(jobs)}", limit=100)))
    ids = tuple(random.sample(range(1, jobs), 100))
    latency("100 ids", lambda: finished.select(Query(*user(), ids=ids)))
    latency("one job by id", lambda: finished.by_id(random.randrange(1, jobs)))
    day, end = 86_400.0, float(EPOCH + jobs)
    latency("accounting: a user, all time", lambda: usage.of_user(user(), 0, end), 20)
    latency("accounting: users of a group, all time", lambda: usage.of_users(("vo1",), 0, end), 20)
    latency("accounting: users of a group, a day", lambda: usage.of_users(("vo1",), end - day, end), 20)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, required=True, help="a folder that does not exist yet")
    parser.add_argument("--database", default="", help="address of an empty database; default: SQLite in the folder")
    args = parser.parse_args()
    base: Path = args.folder.absolute()
    for name in ("departed", "sandboxes", "template"):
        (base / name).mkdir(parents=True)
    (base / "template" / "report.json").write_text(json.dumps(REPORT))
    address = args.database or f"sqlite:///{base}/records.sqlite"
    database = open_database(address)
    database.migrate()
    values = {"database": address, "departed": f"{base}/departed", "sandboxes": f"{base}/sandboxes"}
    (base / "records.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))
    environ = os.environ | {"PROMINENCE_RECORDS": str(base / "records.toml")}
    recorder = subprocess.Popen([sys.executable, "-m", "api.records", "record"], env=environ)
    try:
        leave(base / "departed", base / "sandboxes", args.jobs + 1)
        while pending(base / "departed"):
            time.sleep(0.05)
        before, began = resident(recorder.pid), time.monotonic()
        feed(args.jobs, base, recorder.pid)
        took, used = time.monotonic() - began, cpu_seconds(recorder.pid)
        print(f"{args.jobs} jobs recorded in {took / 60:.1f} min ({args.jobs / took:.0f}/s), CPU {used / 60:.1f} min")
        print(f"recorder: {before:.1f} MB at the start, {resident(recorder.pid):.1f} MB at the end")
    finally:
        recorder.terminate()
        recorder.wait(30)
    assert FinishedJobs(database).count() == args.jobs + 1
    ask(database, args.jobs)
    for name in ("departed", "sandboxes", "template"):
        shutil.rmtree(base / name)


if __name__ == "__main__":
    main()
