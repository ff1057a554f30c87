"""Where the nodes of a graph without cycles stand in a drawing from left to right, after Sugiyama. Pure.

Nodes stand in columns, each behind all that it waits for. An edge that passes columns has a point in each, by which it finds
its way between their nodes. Nodes of a column are ordered so that few edges cross, then moved to where their neighbours are.
Nodes without edges stand in a grid below. The work grows with nodes, edges and points, of which there are at most MOST_POINTS.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from statistics import fmean

MOST_POINTS = 10_000
"""Points of long edges; where they would be more, the longest edges go straight."""
_SWEEPS = 4
"""How often columns are ordered from left to right and back; what more of it betters is not seen."""
_NODES_APART, _NODE_AND_POINT_APART, _POINTS_APART = 1.0, 0.55, 0.25
"""Rows between neighbours in a column."""
_WIDER = 4
"""How many times as wide as high a node is, about."""

Edge = tuple[int, int]


@dataclass(frozen=True)
class Place:
    """The middle of a node, or a point of an edge: in which column, and at which row, not always a whole one."""

    column: int
    row: float


@dataclass(frozen=True)
class Layout:
    """Places of the nodes, and for each edge those it passes, its ends among them; `columns` and `rows` are the size."""

    nodes: list[Place]
    routes: list[list[Place]]
    columns: int
    rows: float


def layout(count: int, edges: Sequence[Edge]) -> Layout:
    """The layout of the nodes 0 to `count` - 1. Raises graphlib.CycleError."""
    column = _columns(edges)
    paths, points = _paths(count, edges, column)
    rows = _rows(_Layers(column | points, paths), frozenset(points))
    places = {vertex: Place(at, rows[vertex]) for vertex, at in (column | points).items()}
    height = max(rows.values(), default=-1.0) + 1
    alone = [node for node in range(count) if node not in column]
    wide = max(max(column.values(), default=-1) + 1, math.ceil(math.sqrt(len(alone) / _WIDER)))
    places |= {node: Place(place % wide, height + place // wide) for place, node in enumerate(alone)}
    height += math.ceil(len(alone) / wide) if alone else 0
    return Layout(
        [places[node] for node in range(count)], [[places[at] for at in path] for path in paths], wide, height
    )


def _columns(edges: Sequence[Edge]) -> dict[int, int]:
    """The column of each node with edges: as far to the left as what it waits for lets it be."""
    sorter = TopologicalSorter[int]()
    for before, after in edges:
        sorter.add(after, before)
    sorter.prepare()
    column: dict[int, int] = {}
    generation = 0
    while sorter.is_active():
        ready = sorter.get_ready()
        column.update(dict.fromkeys(ready, generation))
        sorter.done(*ready)
        generation += 1
    return column


def _paths(count: int, edges: Sequence[Edge], column: dict[int, int]) -> tuple[list[list[int]], dict[int, int]]:
    """For each edge the vertices it passes, its ends among them; and the columns of points, numbered from `count` on."""
    paths: list[list[int]] = [[] for _ in edges]
    points: dict[int, int] = {}
    for index in sorted(range(len(edges)), key=lambda index: column[edges[index][1]] - column[edges[index][0]]):
        before, after = edges[index]
        passed = range(column[before] + 1, column[after])
        if len(points) + len(passed) > MOST_POINTS:
            passed = range(0)
        first = count + len(points)
        own = {first + place: at for place, at in enumerate(passed)}
        points |= own
        paths[index] = [before, *own, after]
    return paths, points


class _Layers:
    """The vertices of each column, in an order that changes, and which of the columns beside it are their neighbours."""

    def __init__(self, column: dict[int, int], paths: Sequence[Sequence[int]]) -> None:
        self.left: dict[int, list[int]] = {vertex: [] for vertex in column}
        self.right: dict[int, list[int]] = {vertex: [] for vertex in column}
        for path in paths:
            for before, after in pairwise(path):
                if column[after] == column[before] + 1:
                    self.right[before].append(after)
                    self.left[after].append(before)
        self.columns: list[list[int]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
        for vertex in self._together():
            self.columns[column[vertex]].append(vertex)
        for _ in range(_SWEEPS):
            self._sort(self.columns, self.left)
            self._sort(self.columns[::-1], self.right)

    def _together(self) -> list[int]:
        """The vertices in an order in which those that hang together stand together."""
        seen: dict[int, None] = {}
        for start in self.left:
            open_ends = [start]
            while open_ends:
                vertex = open_ends.pop()
                if vertex not in seen:
                    seen[vertex] = None
                    open_ends += reversed(self.left[vertex] + self.right[vertex])
        return list(seen)

    def _sort(self, columns: Sequence[list[int]], neighbours: dict[int, list[int]]) -> None:
        """Orders each column by the middle of its vertices' neighbours in the one before."""
        place: dict[int, float] = {}
        for column in columns:
            here = _shares(column)
            middle = {at: fmean(place[one] for one in neighbours[at]) if neighbours[at] else here[at] for at in column}
            column.sort(key=middle.__getitem__)
            place = _shares(column)


def _shares(column: Sequence[int]) -> dict[int, float]:
    """How far down its column each vertex stands, from 0 to 1, to be compared with other columns."""
    return {vertex: (index + 0.5) / len(column) for index, vertex in enumerate(column)}


def _rows(layers: _Layers, points: frozenset[int]) -> dict[int, float]:
    """The row of each vertex; the first is 0."""
    rows = {vertex: float(index) for column in layers.columns for index, vertex in enumerate(column)}
    for _ in range(_SWEEPS):
        for columns, neighbours in ((layers.columns, layers.left), (layers.columns[::-1], layers.right)):
            for column in columns:
                wanted = [fmean(rows[one] for one in neighbours[at]) if neighbours[at] else rows[at] for at in column]
                rows.update(zip(column, _apart(wanted, _gaps(column, points)), strict=True))
    top = min(rows.values(), default=0.0)
    return {vertex: row - top for vertex, row in rows.items()}


def _gaps(column: Sequence[int], points: frozenset[int]) -> list[float]:
    """How far below the one before each vertex must stand."""
    apart = (_NODES_APART, _NODE_AND_POINT_APART, _POINTS_APART)
    between = (apart[(one in points) + (other in points)] for one, other in pairwise(column))
    return [0.0, *between][: len(column)]


def _apart(wanted: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Rows as near to the wanted ones as the gaps and the order allow (least squares: pools of adjacent violators)."""
    pools: list[tuple[float, int]] = []
    offset, offsets = 0.0, []
    for row, gap in zip(wanted, gaps, strict=True):
        offset += gap
        offsets.append(offset)
        total, size = row - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / size:
            before, more = pools.pop()
            total, size = total + before, size + more
        pools.append((total, size))
    flat = [total / size for total, size in pools for _ in range(size)]
    return [row + offset for row, offset in zip(flat, offsets, strict=True)]
