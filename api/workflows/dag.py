"""The text of a workflow's DAG file. Pure. All names in it are ours: a user's text never gets here."""

from __future__ import annotations

from collections.abc import Iterator

from api.workflows.plan import Part, Plan
from pool.dagman import STATES_FILE
from pool.numbers import MOST_INSTANCES

MOST_EDGES = MOST_INSTANCES
"""Edges between the instances of two jobs; where there would be more, a node of its own joins them."""


def lines(plan: Plan, reruns: int) -> Iterator[str]:
    """The lines of the file. An instance that failed is run again `reruns` times at most, before those that depend on it."""
    yield f"JOBSTATE_LOG {STATES_FILE}"
    for index, part in enumerate(plan.parts):
        for number in part.numbers:
            name = plan.instance_name(number)
            yield f"JOB {name} {submit_file(index)}{' DONE' if number in plan.done else ''}"
            yield f'VARS {name} number="{number}"'
    for name in joins(plan):
        yield f"JOB {name} {submit_file(0)} NOOP"
    yield from _edges(plan)
    if reruns:
        yield f"RETRY ALL_NODES {reruns}"


def submit_file(part: int) -> str:
    """Name of the file with the submit description of a part's instances."""
    return f"{part}.sub"


def joins(plan: Plan) -> list[str]:
    """Names of the nodes that do nothing but join all instances of a job, for jobs that depend on it."""
    return [_join(before) for before in sorted({before for before, after in plan.edges if _many(plan, before, after)})]


def _edges(plan: Plan) -> Iterator[str]:
    joined = set()
    for before, after in plan.edges:
        earlier, later = _names(plan, plan.parts[before]), _names(plan, plan.parts[after])
        if not _many(plan, before, after):
            yield f"PARENT {earlier} CHILD {later}"
            continue
        if before not in joined:
            joined.add(before)
            yield f"PARENT {earlier} CHILD {_join(before)}"
        yield f"PARENT {_join(before)} CHILD {later}"


def _many(plan: Plan, before: int, after: int) -> bool:
    return plan.parts[before].count * plan.parts[after].count > MOST_EDGES


def _join(part: int) -> str:
    return f"J{part}"


def _names(plan: Plan, part: Part) -> str:
    return " ".join(map(plan.instance_name, part.numbers))
