"""How soon a worker comes: a cold job from POST to completed, and from a job in the queue to the request for its server.

Run against a started instance that keeps no worker ready: `CONDOR_CONFIG=~/.prominence/client_config .venv/bin/python -m
tests.bench.provision [cold|long]`. `cold`: the median and the worst of some jobs, each of which finds no worker. `long`: the
same until the request for a server alone, while 10,000 other jobs of 100 kinds wait for a site that does not exist.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from cloud_provisioner.settings import load
from cloud_provisioner.store.reader import Reader
from cloud_provisioner.store.schema import open_database
from cloud_provisioner.store.wishes import Kind
from tests.bench.submit import DOCUMENT, INSTANCE, NOWHERE
from tests.bench.workflow_instance import Api

COLD = 5
FRESH = 40
WAITING = 10_000
KINDS = 100
_CLIENTS = 4
_PATIENCE = 300.0
_ASKED = re.compile(r"^(\S+ \S+),(\d{3}) .* server [0-9a-f]{32} is asked for", re.MULTILINE)


def reader() -> Reader:
    """The provisioner's records."""
    return Reader(open_database(load(INSTANCE.home.provisioner_settings).database.get_secret_value()))


def until(what: Callable[[], bool]) -> None:
    """Waits."""
    deadline = time.monotonic() + _PATIENCE
    while not what():
        if time.monotonic() > deadline:
            raise RuntimeError("it takes too long")
        time.sleep(0.02)


def no_worker(records: Reader) -> None:
    """Gives the workers back, and waits until none is left."""
    for intent in records.intents():
        records.wish(Kind.DRAIN_SERVER, intent.uuid, time.time())
    until(lambda: not records.intents())


def posted(api: Api, **more: object) -> int:
    """Submits a job; its id."""
    return int(api.call("POST", "/jobs", json.dumps(DOCUMENT | more).encode())["id"])


def ended(api: Api, number: int) -> bool:
    """Whether a job has ended; RuntimeError where it did not do so well."""
    (shown,) = api.call("GET", f"/jobs/{number}")
    if shown["status"] in ("failed", "killed", "deleted"):
        raise RuntimeError(str(shown))
    return bool(shown["status"] == "completed")


def cold() -> None:
    """Prints how long cold jobs took."""
    api, records, times = Api(), reader(), []
    for _ in range(COLD):
        no_worker(records)
        began = time.perf_counter()
        number = posted(api)
        until(lambda: ended(api, number))  # noqa: B023
        times.append(time.perf_counter() - began)
    print(
        f"POST to completed, no worker there: median {statistics.median(times):.1f} s, worst {max(times):.1f} s of {COLD}"
    )


def asked(since: int) -> list[float]:
    """When servers were asked for, by what the log has from `since` bytes on: epoch seconds."""
    with (INSTANCE.home.log / "provisioner.log").open("rb") as log:
        log.seek(since)
        text = log.read().decode(errors="replace")
    return [
        time.mktime(time.strptime(moment, "%Y-%m-%d %H:%M:%S")) + int(milliseconds) / 1000
        for moment, milliseconds in _ASKED.findall(text)
    ]


def long() -> None:
    """Prints how long it took to ask for servers beside many jobs that wait."""
    records = reader()
    fill()
    api, times = Api(), []
    for _ in range(FRESH):
        no_worker(records)
        size = (INSTANCE.home.log / "provisioner.log").stat().st_size
        number = posted(api)
        answered = time.time()
        until(lambda: bool(asked(size)))  # noqa: B023
        times.append(max(0.0, asked(size)[0] - answered))
        until(lambda: ended(api, number))  # noqa: B023
    times.sort()
    p95 = times[int(0.95 * len(times))]
    print(
        f"POST answered to create call sent, {WAITING} other jobs waiting: median {statistics.median(times):.2f} s, "
        f"p95 {p95:.2f} s, worst {times[-1]:.2f} s of {FRESH}"
    )


def fill() -> None:
    """Submits the jobs that wait."""

    def some(part: int) -> None:
        api = Api()
        for number in range(part, WAITING, _CLIENTS):
            posted(api, policies=NOWHERE, resources={"cpus": 1, "memory": 0.5 + (number % KINDS) / 100, "disk": 1})

    began = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(some, range(_CLIENTS)))
    print(f"{WAITING} jobs submitted in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    print(f"load {os.getloadavg()[0]:.1f}")
    for name in sys.argv[1:] or ("cold", "long"):
        {"cold": cold, "long": long}[name]()
        print(f"load {os.getloadavg()[0]:.1f}")
