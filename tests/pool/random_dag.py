"""Random graphs of jobs, and whether what ran kept to their order. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

Edge = tuple[int, int]
"""Numbers of a parent and a child."""
Span = tuple[float, float]
"""When something began to run for the first time, and when it ended for the last: epoch seconds."""


def edges(seed: int, nodes: int, count: int) -> list[Edge]:
    """`count` dependencies, each once, between `nodes` jobs numbered from 0: lower ones before higher ones."""
    chance = random.Random(seed)
    most = nodes * (nodes - 1) // 2
    found: set[Edge] = set()
    while len(found) < min(count, most):
        lower, higher = sorted(chance.sample(range(nodes), 2))
        found.add((lower, higher))
    return sorted(found)


def dependencies(graph: Iterable[Edge]) -> dict[str, list[str]]:
    """The same as a workflow's document has it; the names of jobs are `job_name`'s."""
    found: dict[str, list[str]] = {}
    for parent, child in graph:
        found.setdefault(job_name(parent), []).append(job_name(child))
    return found


def job_name(number: int) -> str:
    """The name of the job with that number."""
    return f"job-{number}"


def out_of_order(graph: Iterable[Edge], spans: Mapping[int, Sequence[Span]]) -> list[Edge]:
    """The dependencies that were not kept: an instance of the child began before the last of the parent's had ended.

    `spans` has those of all instances of each job. Raises ValueError where a job has none.
    """
    began = {job: min(start for start, _ in own) for job, own in spans.items()}
    ended = {job: max(end for _, end in own) for job, own in spans.items()}
    return [(parent, child) for parent, child in graph if began[child] < ended[parent]]
