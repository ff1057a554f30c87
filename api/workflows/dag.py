"""The text of a workflow's DAG file. Pure. All names in it are ours: a user's text never gets here."""

from __future__ import annotations

from collections.abc import Iterator

from api.workflows.plan import Plan
from pool.dagman import STATES_FILE


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
    """Names of the nodes that do nothing but join all instances of a job, for those that depend on them.

    There is one behind the first job of each pair in `plan.joined`, and one ahead of the second where it is in several pairs.
    """
    ahead = [_ahead(plan, after) for after, befores in plan.joined.items() if len(befores) > 1]
    return [_behind(before) for before in _joined_behind(plan)] + ahead


def _edges(plan: Plan) -> Iterator[str]:
    for before, after in plan.edges:
        if before not in plan.joined.get(after, ()):
            yield f"PARENT {_names(plan, before)} CHILD {_names(plan, after)}"
    for before in _joined_behind(plan):
        yield f"PARENT {_names(plan, before)} CHILD {_behind(before)}"
    for after, befores in plan.joined.items():
        passed = " ".join(map(_behind, befores))
        if len(befores) > 1:
            yield f"PARENT {passed} CHILD {_ahead(plan, after)}"
            passed = _ahead(plan, after)
        yield f"PARENT {passed} CHILD {_names(plan, after)}"


def _joined_behind(plan: Plan) -> list[int]:
    return sorted({before for befores in plan.joined.values() for before in befores})


def _behind(part: int) -> str:
    return f"J{part}"


def _ahead(plan: Plan, part: int) -> str:
    return f"J{len(plan.parts) + part}"


def _names(plan: Plan, part: int) -> str:
    return " ".join(map(plan.instance_name, plan.parts[part].numbers))
