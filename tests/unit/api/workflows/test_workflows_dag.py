"""The text of a DAG file: our names alone, every instance a node, every dependency kept."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.workflows import dag
from api.workflows import plan as plans
from api.workflows.plan import MOST_EDGES, Part, Plan, workflow_name

NAME = workflow_name("a" * 32)


def repeat(number: int) -> dict[str, object]:
    return {"type": "repeat", "number": number}


def plan(counts: Iterable[int | None], edges: Iterable[tuple[int, int]] = (), done: Iterable[int] = ()) -> Plan:
    parts: list[Part] = []
    for index, count in enumerate(counts):
        first = parts[-1].numbers.stop if parts else 0
        factory = repeat(count) if count is not None else None
        parts.append(Part(f"JOB $(x) {index}\nPARENT", first, {}, factory))
    return Plan(NAME, "a name", tuple(parts), tuple(edges), done=frozenset(done))


def order(lines: list[str]) -> set[tuple[str, str]]:
    """Pairs of nodes of which one must be done before the other, as the lines say, directly or through joins."""
    direct = {
        (parent, child)
        for line in lines
        if line.startswith("PARENT ")
        for parents, children in [line.removeprefix("PARENT ").split(" CHILD ")]
        for parent in parents.split()
        for child in children.split()
    }
    for _ in range(2):  # a join behind one job may be followed by another ahead of the next
        direct |= {(a, d) for a, b in direct for c, d in direct if b == c and b.startswith("J")}
    return {pair for pair in direct if not any(name.startswith("J") for name in pair)}


def edges(lines: list[str]) -> int:
    """How many edges DAGMan makes of the lines."""
    pairs = [line.removeprefix("PARENT ").split(" CHILD ") for line in lines if line.startswith("PARENT ")]
    return sum(len(parents.split()) * len(children.split()) for parents, children in pairs)


def test_a_users_text_never_gets_into_the_file() -> None:
    text = "\n".join(dag.lines(plan([None, 3], [(0, 1)]), reruns=2))
    assert re.fullmatch(
        r"(JOBSTATE_LOG states\.log|JOB \w{32} \d+\.sub|VARS \w{32} number=\"\d+\"|PARENT [\w ]+ CHILD [\w ]+"
        r"|RETRY ALL_NODES 2|\n)+",
        text,
    )


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(1, 4)), min_size=1, max_size=5),
    st.sampled_from([2, 10, MOST_EDGES]),
    st.data(),
)
def test_every_dependency_of_jobs_is_one_of_all_their_instances(
    counts: list[int | None], most: int, data: st.DataObject
) -> None:
    pairs = [(a, b) for b in range(len(counts)) for a in range(b)]
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    made = plan(counts, edges)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "MOST_EDGES", most)
        lines = list(dag.lines(made, 0))
    assert sum(line.startswith("JOB ") for line in lines) == made.total + len(dag.joins(made))
    expected = {
        (made.instance_name(one), made.instance_name(other))
        for a, b in edges
        for one in made.parts[a].numbers
        for other in made.parts[b].numbers
    }
    assert order(lines) == expected


def test_very_many_edges_become_few_by_a_node_that_joins_them() -> None:
    made = plan([2000, 1000, 700], [(0, 1), (0, 2), (1, 2)])
    lines = list(dag.lines(made, 0))
    assert dag.joins(made) == ["J0", "J1", "J5"]
    assert sum(line.startswith("JOB J") for line in lines) == 3
    assert edges(lines) == 2000 + 1000 + 1000 + 2 + 700
    text = sum(map(len, lines))
    assert text < 1_000_000


def test_edges_between_instances_stay_few_however_many_sweeps_depend_on_one_another() -> None:
    made = plan([100] * 200, [(a, b) for b in range(200) for a in range(b)])
    assert edges(list(dag.lines(made, 0))) < MOST_EDGES


def test_jobs_without_factories_are_never_joined() -> None:
    made = plan([None] * 2000, [(a, b) for b in range(2000) for a in range(max(0, b - 600), b)])
    assert len(made.edges) > MOST_EDGES
    assert dag.joins(made) == []


def test_what_is_done_is_not_run_again() -> None:
    lines = list(dag.lines(plan([3], done=[1]), 0))
    assert [line.endswith(" DONE") for line in lines if line.startswith("JOB ")] == [False, True, False]
