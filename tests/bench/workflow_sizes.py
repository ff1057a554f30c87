"""What large sweeps cost: their POST, the access point's memory, and questions about them while they are in the queue."""

from __future__ import annotations

import re
import statistics
import time
from pathlib import Path

from pool.dagman import NODES_LOG
from pool.event_log import Kind
from tests.bench.submit import INSTANCE
from tests.bench.workflow_instance import Submitted, connected, gone, in_queue, posted, sweep, times, until
from tests.pool.seeing import daemon, head_of

_START_PATIENCE = 120.0
_MB = 1024


def posts(count: int, rounds: int) -> None:
    """POST of a sweep of `count` instances, and until the first of them runs on free workers, `rounds` times."""
    taken, started = [], []
    for _ in range(rounds):
        with posted(sweep(count)) as workflow:
            taken.append(workflow.seconds)
            started.append(_first_execution(workflow))
            _delete(workflow)
    _print(f"POST of {count} instances", taken)
    _print(f"POST of {count} instances to the first one running", started)


def _print(what: str, seconds: list[float]) -> None:
    every = ", ".join(f"{one:.2f}" for one in seconds)
    print(f"{what}: median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s; all: {every}", flush=True)


def _first_execution(workflow: Submitted) -> float:
    log, found = workflow.folder / NODES_LOG, list[float]()

    def runs() -> bool:
        found[:] = times(log, Kind.EXECUTING)
        return bool(found)

    until(runs, _START_PATIENCE, 0.5)
    return min(found) - workflow.began


def _delete(workflow: Submitted) -> float:
    """Seconds from the DELETE until nothing of the workflow is in the queue."""
    began = time.perf_counter()
    with connected() as api:
        api.call("DELETE", f"/workflows/{workflow.number}")
    gone(workflow.number)
    return time.perf_counter() - began


def queue(count: int, seconds: float, calls: int) -> None:
    """A sweep of `count` instances that is in the queue for `seconds`, is then asked for `calls` times, and deleted."""
    before = _memory("condor_schedd")
    with posted(sweep(count)) as workflow:
        print(f"POST of {count} instances: {workflow.seconds:.2f} s", flush=True)
        schedd, dagman = _watch(seconds)
        print(
            f"{seconds:.0f} s later {in_queue(workflow.number)} jobs in the queue; schedd {before:.0f} MB before, "
            f"{schedd[-1] - before:+.1f} MB now, {max(schedd) - before:+.1f} MB at most; DAGMan {max(dagman):.0f} MB",
            flush=True,
        )
        asked = sorted(_asked(workflow, calls))
        middle, worst = asked[len(asked) // 2] * 1e3, asked[-1] * 1e3
        print(f"GET /workflows/<id>, {calls} times: p50 {middle:.1f} ms, worst {worst:.1f} ms", flush=True)
        print(f"DELETE until nothing is in the queue: {_delete(workflow):.2f} s", flush=True)


def _watch(seconds: float) -> tuple[list[float], list[float]]:
    """Memory (RSS, MB) of the schedd and of DAGMan, once a second."""
    schedd, dagman = [], []
    deadline = time.monotonic() + seconds
    while True:
        time.sleep(1)
        schedd.append(_memory("condor_schedd"))
        dagman.append(_memory("condor_dagman"))
        if time.monotonic() >= deadline:
            return schedd, dagman


def _memory(name: str) -> float:
    """Resident memory (MB) of the head's process of that name; 0 where there is none."""
    pid = daemon(head_of(INSTANCE), name)
    if pid is None:
        return 0.0
    try:
        found = re.search(r"^VmRSS:\s+([0-9]+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(found[1]) / _MB if found else 0.0


def _asked(workflow: Submitted, calls: int) -> list[float]:
    """Seconds that each of so many questions for the workflow took, over one connection."""
    taken = []
    with connected() as api:
        for _ in range(calls):
            began = time.perf_counter()
            api.call("GET", f"/workflows/{workflow.number}")
            taken.append(time.perf_counter() - began)
    return taken
