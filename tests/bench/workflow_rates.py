"""How fast short jobs go through a workflow, against HTCondor with the same work and the same files in the same run."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pool.dagman import NODES_LOG
from pool.event_log import Kind
from tests.bench.workflow_by_hand import prepared, submitted_sweep
from tests.bench.workflow_instance import posted, sweep, times, until

_WARM = 8


def rates(count: int, rounds: int) -> None:
    """Instances a second of a sweep of `count`, through the API and bare in turn, who is first alternating."""
    through_api(_WARM)
    ratios = []
    for number in range(rounds):
        ours, bare = in_turn(number, partial(through_api, count), partial(_bare, count))
        ratios.append(ours / bare)
        print(f"{count} short jobs: bare {bare:.2f}/s, workflow {ours:.2f}/s, ratio {ours / bare:.2f}", flush=True)
    print(f"short jobs: median ratio {statistics.median(ratios):.2f}, worst {min(ratios):.2f}", flush=True)


def in_turn(number: int, ours: Callable[[], float], bare: Callable[[], float]) -> tuple[float, float]:
    """What both give; in rounds with an even number ours is the first."""
    if number % 2 == 0:
        first = ours()
        return first, bare()
    first = bare()
    return ours(), first


def through_api(count: int) -> float:
    """Instances a second of a sweep through the API."""
    with posted(sweep(count)) as workflow:
        return _rate(workflow.folder / NODES_LOG, count)


def _bare(count: int) -> float:
    with prepared(sweep(count)) as made, submitted_sweep(made):
        return _rate(made.folder / NODES_LOG, count)


def _rate(log: Path, count: int) -> float:
    """Jobs a second from the first start to the last end, once `count` have ended well."""
    until(lambda: len(times(log, Kind.TERMINATED, code=0)) >= count, 120 + 2 * count, 1)
    return count / (max(times(log, Kind.TERMINATED)) - min(times(log, Kind.EXECUTING)))
