"""Where the nodes of a drawing stand."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.workflows.graph import layout as module
from api.workflows.graph.layout import Edge, Layout, layout


def crossings(made: Layout) -> int:
    steps = [(one, other) for route in made.routes for one, other in pairwise(route)]
    return sum(
        a.column == c.column and (a.row - c.row) * (b.row - d.row) < 0
        for index, (a, b) in enumerate(steps)
        for c, d in steps[:index]
    )


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    count = draw(st.integers(1, 25))
    order = draw(st.permutations(range(count)))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] < pair[1])
    places = draw(st.lists(pairs, unique=True, max_size=50)) if count > 1 else []
    return count, [(order[before], order[after]) for before, after in places]


@given(graphs())
@settings(deadline=None)
def test_every_job_stands_behind_what_it_waits_for_and_on_no_other(given_graph: tuple[int, list[Edge]]) -> None:
    count, edges = given_graph
    made = layout(count, edges)
    assert len(made.nodes) == count
    for (before, after), route in zip(edges, made.routes, strict=True):
        assert made.nodes[before].column < made.nodes[after].column
        assert (route[0], route[-1]) == (made.nodes[before], made.nodes[after])
        assert [place.column for place in route] == list(range(route[0].column, route[-1].column + 1))
    for index, one in enumerate(made.nodes):
        assert 0 <= one.column < made.columns
        assert -1e-6 <= one.row <= made.rows - 1 + 1e-6
        for other in made.nodes[:index]:
            assert one.column != other.column or abs(one.row - other.row) > 1 - 1e-6


def test_a_chain_is_a_straight_line() -> None:
    made = layout(5, list(pairwise(range(5))))
    assert [(place.column, place.row) for place in made.nodes] == [(index, 0.0) for index in range(5)]


def test_what_comes_before_and_after_many_stands_in_their_middle() -> None:
    made = layout(7, [(0, index) for index in range(1, 6)] + [(index, 6) for index in range(1, 6)])
    assert made.nodes[0].row == pytest.approx(made.nodes[6].row) == pytest.approx(2.0)
    assert crossings(made) == 0


def test_edges_that_need_not_cross_do_not() -> None:
    # Two trees whose leaves are given in turn.
    made = layout(10, [(0, 2), (1, 3), (0, 4), (1, 5), (0, 6), (1, 7), (2, 8), (3, 9)])
    assert crossings(made) == 0


def test_an_edge_that_passes_a_column_keeps_clear_of_its_nodes() -> None:
    made = layout(3, [(0, 1), (1, 2), (0, 2)])
    assert abs(made.routes[2][1].row - made.nodes[1].row) > 0.5


def test_jobs_that_hang_together_with_nothing_stand_in_a_grid() -> None:
    made = layout(300, [])
    assert made.columns * made.rows < 320
    assert len(set(made.nodes)) == 300
    assert made.columns == 9


def test_there_are_no_more_points_than_may_be_and_the_longest_edges_go_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 5)
    made = layout(8, [*pairwise(range(8)), (0, 2), (0, 4), (0, 7)])
    assert [len(route) for route in made.routes[7:]] == [3, 5, 2]


def test_the_largest_drawing_is_laid_out_within_seconds() -> None:
    chain = list(pairwise(range(1000)))
    began = time.process_time()
    made = layout(1000, chain + [(before, after) for before in range(4) for after in range(5, 1000)])
    assert time.process_time() - began < 10
    assert made.columns == 1000
