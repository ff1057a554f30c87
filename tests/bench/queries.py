"""What lists and single jobs cost in a long queue, and what followed output costs the API.

Run against a started instance without workers that nobody else uses (`PROMINENCE_MOST_WORKERS=0 deploy/quickstart start`):
`CONDOR_CONFIG=~/.prominence/client_config .venv/bin/python -m tests.bench.queries`. The jobs ask for a site that does not
exist, and are deleted afterwards.
"""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

import htcondor2

from api.jobs import view
from pool.session import Pool
from tests.bench.submit import INSTANCE, WAITING, description, token

LISTED = 10_000
QUEUED = 100_000
SINGLE = 50
ROUNDS = 7
STREAMS = 200
_BATCH = 20_000


class Api:
    """One connection of one user."""

    def __init__(self, user: str) -> None:
        self._headers = {"Authorization": f"Bearer {token(user)}"}
        self._connection = http.client.HTTPConnection(INSTANCE.settings.host, INSTANCE.settings.port, timeout=60)

    def call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        self._connection.request(method, f"/prominence/v1{path}", body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(text.decode())
        return text

    def submit(self) -> int:
        return int(json.loads(self.call("POST", "/jobs", WAITING))["id"])


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def fill(schedd: htcondor2.Schedd, count: int) -> None:
    """Queues `count` jobs of the user bench, many in a cluster: how they came there does not matter here."""
    made = {name: value for name, value in description().items() if name != "log"}
    for start in range(0, count, _BATCH):
        schedd.submit(htcondor2.Submit(made), count=min(_BATCH, count - start))


def lists(schedd: htcondor2.Schedd) -> None:
    """A list of LISTED jobs against the bare query for the same attributes, in turn."""
    api, bare, ours = Api("bench"), [], []
    for _ in range(ROUNDS):
        bare.append(seconds(lambda: schedd.query('(Owner == "bench")', list(view.LISTED))))
        ours.append(seconds(lambda: api.call("GET", "/jobs")))
    ratio = statistics.median(ours) / statistics.median(bare)
    print(
        f"list of {LISTED}: bare {statistics.median(bare):.3f} s, API {statistics.median(ours):.3f} s, ratio {ratio:.2f}"
    )


def single(jobs: list[int]) -> None:
    """One job among all of them, and what the schedd needs for the same."""
    api, pool = Api("carol"), Pool()
    times = sorted(seconds(lambda n=n: api.call("GET", f"/jobs/{jobs[n % SINGLE]}")) for n in range(6 * SINGLE))  # type: ignore[misc]
    asked = [seconds(lambda n=n: pool.query(f"ClusterId == {n}", view.DESCRIBED, 1)) for n in jobs[:10]]  # type: ignore[misc]
    middle, high = times[len(times) // 2] * 1e3, times[len(times) * 95 // 100] * 1e3
    print(f"one of {QUEUED}: p50 {middle:.1f} ms, p95 {high:.1f} ms, worst {times[-1] * 1e3:.0f} ms", end="; ")
    print(f"the schedd's query for it: median {statistics.median(asked) * 1e3:.0f} ms")


def streams(job: int) -> None:
    """How fast lists are while STREAMS requests follow the output of a job that waits."""
    api = Api("carol")
    quiet = statistics.median(seconds(lambda: api.call("GET", "/jobs")) for _ in range(20))
    with ExitStack() as stack:
        for _ in range(STREAMS):
            follower = stack.enter_context(
                socket.create_connection((INSTANCE.settings.host, INSTANCE.settings.port), timeout=60)
            )
            head = f"GET /prominence/v1/jobs/{job}/stdout?follow=true HTTP/1.1\r\nHost: x\r\n"
            follower.sendall(f"{head}Authorization: Bearer {token('carol')}\r\n\r\n".encode())
            if b" 200 " not in follower.recv(64):
                raise RuntimeError("a stream was refused")
        busy = sorted(seconds(lambda: api.call("GET", "/jobs")) for _ in range(50))
    print(f"GET /jobs: {quiet * 1e3:.0f} ms alone", end="; ")
    print(f"with {STREAMS} streams p50 {busy[25] * 1e3:.0f} ms, worst {busy[-1] * 1e3:.0f} ms")


def main() -> None:
    """Prints the figures."""
    (INSTANCE.home.sandboxes / "bench").mkdir(exist_ok=True)
    for name in ("job.json", "token"):
        (INSTANCE.home.sandboxes / "bench" / name).touch()
    schedd = htcondor2.Schedd(htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, "prominence@"))
    carol = Api("carol")
    jobs = [carol.submit() for _ in range(SINGLE)]
    streams(jobs[0])
    fill(schedd, LISTED)
    lists(schedd)
    fill(schedd, QUEUED - LISTED)
    single(jobs)
    for user in ("bench", "carol"):
        schedd.act(htcondor2.JobAction.Remove, f'Owner == "{user}"', reason=("benchmark", 0))


if __name__ == "__main__":
    main()
