"""The graph of a workflow as a drawing in SVG. Pure: it needs no program of Graphviz.

Names are put in by an XML writer, so they cannot become anything else. The drawing has no style sheet and no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from api.workflows.errors import TooLargeToDraw
from api.workflows.graph.colours import COLOURS, THICK, THIN
from api.workflows.graph.layout import Layout, Place, layout
from api.workflows.graph.model import Graph, Node

MEDIA_TYPE = "image/svg+xml"
MOST_NODES = 1_000
MOST_EDGES = 5_000
"""What a drawing has at most: more takes long to lay out and cannot be read."""

_MARGIN = 20
_HEIGHT, _ROW = 44, 60
"""Pixels of a box, and from one row to the next."""
_GAP = 60
"""Pixels between two columns, for the edges."""
_CHARACTER = 7.5
"""Pixels of a character at most, about, in the font that is asked for; names are shown up to LONGEST of them."""
_LONGEST, _SHORTEST = 32, 14
_LEGEND = 30
_BEHIND = 4
"""Pixels by which the second box of a job with a factory looks out."""


def svg(graph: Graph) -> bytes:
    """The drawing as a document in UTF-8. Raises TooLargeToDraw."""
    if len(graph.nodes) > MOST_NODES or len(graph.edges) > MOST_EDGES:
        raise TooLargeToDraw(len(graph.nodes), len(graph.edges), MOST_NODES, MOST_EDGES)
    made = layout(len(graph.nodes), graph.edges)
    sheet = _Sheet(_box_width(graph.nodes), made)
    root = sheet.root(f"{graph.name or 'Workflow'} ({graph.id}): {graph.status}")
    for route in made.routes:
        sheet.edge(root, route)
    for node, place in zip(graph.nodes, made.nodes, strict=True):
        sheet.node(root, node, place)
    sheet.legend(root)
    drawing: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return drawing


def _box_width(nodes: Sequence[Node]) -> float:
    longest = max(max(len(_clipped(node.name)), len(node.summary)) for node in nodes)
    return max(longest, _SHORTEST) * _CHARACTER + 2 * _BEHIND


def _clipped(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


class _Sheet:
    """Where things are, in pixels, for boxes of that width."""

    def __init__(self, width: float, made: Layout) -> None:
        self._width = width
        self._size = (
            max(2 * _MARGIN + made.columns * (width + _GAP) - _GAP, 2 * _MARGIN + len(COLOURS) * 90),
            2 * _MARGIN + _LEGEND + made.rows * _ROW,
        )

    def root(self, title: str) -> Element:
        """The empty drawing."""
        wide, high = (_number(length) for length in self._size)
        root = Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": wide,
                "height": high,
                "viewBox": f"0 0 {wide} {high}",
                "font-family": "Helvetica, Arial, sans-serif",
                "font-size": "12",
                "role": "img",
            },
        )
        SubElement(root, "title").text = title
        SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
        return root

    def _middle(self, place: Place) -> tuple[float, float]:
        across = _MARGIN + self._width / 2 + place.column * (self._width + _GAP)
        return across, _MARGIN + _LEGEND + _ROW / 2 + place.row * _ROW

    def edge(self, root: Element, route: Sequence[Place]) -> None:
        """A line from the right side of the first box to the left side of the last, level where it passes a column."""
        half = self._width / 2
        middles = [self._middle(place) for place in route]
        (across, down), last = middles[0], len(middles) - 1
        path = [f"M{_number(across + half)} {_number(down)}"]
        across += half
        for index, (middle, level) in enumerate(middles[1:], start=1):
            left, turn = middle - half, (across + middle - half) / 2
            path.append(
                f"C{_number(turn)} {_number(down)} {_number(turn)} {_number(level)} {_number(left)} {_number(level)}"
            )
            across, down = left, level
            if index < last:
                across = middle + half
                path.append(f"H{_number(across)}")
        SubElement(root, "path", {"d": " ".join(path), "fill": "none", "stroke": "#6b7280"})
        head = f"M{_number(across - 7)} {_number(down - 4)} l7 4 l-7 4 z"
        SubElement(root, "path", {"d": head, "fill": "#6b7280"})

    def node(self, root: Element, node: Node, place: Place) -> None:
        """A box with a job's name and how it stands, and its full name for who points at it."""
        colours = COLOURS[node.state]
        across, down = self._middle(place)
        left, top = across - self._width / 2, down - _HEIGHT / 2
        group = SubElement(root, "g", {"data-state": node.state})
        SubElement(group, "title").text = f"{node.name}: {node.summary}"
        shape = {"fill": colours.fill, "stroke": colours.line}
        if node.instances is not None:
            _box(group, left + _BEHIND, top - _BEHIND, self._width, shape)
        thick = THICK if node.state == "running" else THIN
        _box(group, left, top, self._width, shape | {"stroke-width": str(thick)})
        _text(group, across, down - 4, _clipped(node.name), {"font-weight": "bold"})
        _text(group, across, down + 11, node.summary, {})
        if node.instances is not None:
            self._bar(group, node, left, top + _HEIGHT - 5)

    def _bar(self, group: Element, node: Node, left: float, top: float) -> None:
        """How the instances stand, as parts of a bar along the lower side of the box."""
        total = node.instances or 1
        for state in ("done", "failed", "running", "queued"):
            width = (self._width - 2 * _BEHIND) * getattr(node.counts, state) / total
            if width:
                place = {"x": _number(left + _BEHIND), "y": _number(top), "width": _number(width), "height": "3"}
                SubElement(group, "rect", place | {"fill": COLOURS[state].line})
                left += width

    def legend(self, root: Element) -> None:
        """What the colours mean."""
        for index, (state, colours) in enumerate(COLOURS.items()):
            left = _MARGIN + index * 90
            place = {"x": _number(left), "y": _number(_MARGIN - 6), "width": "14", "height": "14"}
            thick = THICK if state == "running" else THIN
            SubElement(root, "rect", place | {"fill": colours.fill, "stroke": colours.line, "stroke-width": str(thick)})
            _text(root, left + 20, _MARGIN + 5, state, {"text-anchor": "start"})


def _box(group: Element, left: float, top: float, width: float, look: dict[str, str]) -> None:
    place = {"x": _number(left), "y": _number(top), "width": _number(width), "height": str(_HEIGHT), "rx": "5"}
    SubElement(group, "rect", place | look)


def _text(group: Element, across: float, down: float, text: str, look: dict[str, str]) -> None:
    place = {"x": _number(across), "y": _number(down), "text-anchor": "middle", "fill": "#111827"}
    SubElement(group, "text", place | look).text = text


def _number(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")
