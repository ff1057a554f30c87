"""The text of a workflow's DAG file. Pure. All names in it are ours: a user's text never gets here."""

from __future__ import annotations

from collections.abc import Iterator

from api.workflows.plan import Part, Plan
from pool.dagman import STATES_FILE
from pool.numbers import MOST_INSTANCES

MOST_EDGES = MOST_INSTANCES
"""Edges between instances in all. A pair of jobs that would have more than its share is joined by nodes of their own: one behind
all instances of the first job, and one before all those of the second where it has several such jobs to wait for."""


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
    """Names of the nodes that do nothing but join all instances of a job, for jobs that depend on it or that it depends on."""
    joined = _joined(plan)
    behind = sorted({before for befores in joined.values() for before in befores})
    return [*map(_behind, behind), *(_ahead(after) for after, befores in joined.items() if len(befores) > 1)]


@lru_cache(maxsize=_KEPT)
def joins_of(folder: Path) -> int:
    pass


def _edges(plan: Plan) -> Iterator[str]:
    joined = _joined(plan)
    for before, after in plan.edges:
        if before not in joined.get(after, ()):
            yield f"PARENT {_names(plan, before)} CHILD {_names(plan, after)}"
    for before in sorted({before for befores in joined.values() for before in befores}):
        yield f"PARENT {_names(plan, before)} CHILD {_behind(before)}"
    for after, befores in joined.items():
        passed = " ".join(map(_behind, befores))
        if len(befores) > 1:
            yield f"PARENT {passed} CHILD {_ahead(after)}"
            passed = _ahead(after)
        yield f"PARENT {passed} CHILD {_names(plan, after)}"


def _names(plan: Plan, part: Part) -> str:
    return " ".join(map(plan.instance_name, part.numbers))
