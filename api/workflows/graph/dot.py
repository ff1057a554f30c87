"""The graph of a workflow in DOT, the language of Graphviz. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from api.workflows.graph.colours import COLOURS, THICK, THIN
from api.workflows.graph.model import Graph, Node

MEDIA_TYPE = "text/vnd.graphviz"


def dot(graph: Graph) -> str:
    """The graph as DOT; nodes have the names of the jobs. A job with a factory is drawn as a box behind a box."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    yield f"digraph {quoted(graph.name)} {{"
    yield '  rankdir="LR";'
    yield '  node [shape="box", style="rounded,filled", fontname="Helvetica"];'
    for node in graph.nodes:
        yield f"  {quoted(node.name)} [{', '.join(f'{name}={quoted(value)}' for name, value in _attributes(node))}];"
    for before, after in graph.edges:
        yield f"  {quoted(graph.nodes[before].name)} -> {quoted(graph.nodes[after].name)};"
    yield "}"


def _attributes(node: Node) -> Iterator[tuple[str, str]]:
    colours = COLOURS[node.state]
    yield "label", f"{node.name}\n{node.summary}"
    yield "fillcolor", colours.fill
    yield "color", colours.line
    yield "penwidth", str(THICK if node.state == "running" else THIN)
    if node.instances is not None:
        yield "peripheries", "2"


def quoted(text: str) -> str:
    """The text as a quoted string of DOT, in which it means itself, also where it is used as a label."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
