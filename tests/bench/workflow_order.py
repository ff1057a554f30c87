"""Random DAGs of short jobs: how long they take against condor_submit_dag with the same files, and whether order was kept."""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path

from api.jobs.sandbox import EVENT_LOG
from api.workflows.plan import instance_name
from pool.event_log import Kind
from tests.bench.workflow_by_hand import DAGMAN_LOG, prepared, submitted_dag
from tests.bench.workflow_instance import ENDED, connected, gone, job, posted, times, until
from tests.bench.workflow_rates import in_turn, through_api
from tests.pool.random_dag import Edge, Span, dependencies, edges, job_name, out_of_order

_EDGES = 2
"""For each node."""
_WARM = 8


def dags(nodes: int, rounds: int, seed: int) -> None:
    """Seconds from submission to end of a random DAG, through the API and by hand in turn; another DAG each round."""
    through_api(_WARM)
    ratios = []
    for number in range(rounds):
        graph = edges(seed + number, nodes, _EDGES * nodes)
        ours, bare = in_turn(number, partial(_through_api, nodes, graph), partial(_by_hand, nodes, graph))
        ratios.append(ours / bare)
        print(
            f"DAG of {nodes} nodes and {len(graph)} edges (seed {seed + number}): condor_submit_dag {bare:.1f} s, "
            f"workflow {ours:.1f} s, ratio {ours / bare:.3f}; order kept in both",
            flush=True,
        )
    print(f"DAGs: median ratio {statistics.median(ratios):.3f}, worst {max(ratios):.3f}", flush=True)


def _document(nodes: int, graph: list[Edge]) -> dict[str, object]:
    jobs = [job(job_name(number)) for number in range(nodes)]
    return {"name": "bench", "jobs": jobs, "dependencies": dependencies(graph)}


def _patience(nodes: int) -> float:
    return 120 + 3.0 * nodes


def _through_api(nodes: int, graph: list[Edge]) -> float:
    """Seconds from the POST until DAGMan has ended."""
    with posted(_document(nodes, graph)) as workflow:
        with connected() as api:
            until(lambda: api.status(workflow.number) in ENDED, _patience(nodes), 1)
        gone(workflow.number)
        _check(workflow.folder, nodes, graph)
        return _end(workflow.folder / EVENT_LOG) - workflow.began


def _by_hand(nodes: int, graph: list[Edge]) -> float:
    """Seconds from the moment at which the schedd had DAGMan's job until that has ended; the files were made before."""
    with prepared(_document(nodes, graph)) as made, submitted_dag(made) as number:
        log = made.folder / DAGMAN_LOG
        until(lambda: bool(times(log, Kind.TERMINATED)), _patience(nodes), 1)
        gone(number)
        _check(made.folder, nodes, graph)
        return _end(log) - times(log, Kind.SUBMITTED)[0]


def _end(log: Path) -> float:
    """When DAGMan ended, with every job done."""
    found = times(log, Kind.TERMINATED, code=0)
    if not found:
        raise RuntimeError(f"DAGMan did not end well: see {log.parent}.")
    return found[-1]


def _check(folder: Path, nodes: int, graph: list[Edge]) -> None:
    """RuntimeError where a job began before all that it waits for had ended, by the event logs of the jobs."""
    spans = {number: [_span(folder.parent / instance_name(folder.name, number))] for number in range(nodes)}
    wrong = out_of_order(graph, spans)
    if wrong:
        raise RuntimeError(f"Jobs began before what they wait for had ended: {wrong}")


def _span(folder: Path) -> Span:
    log = folder / EVENT_LOG
    return min(times(log, Kind.EXECUTING)), max(times(log, Kind.TERMINATED, code=0))
