"""The graph of a workflow as JSON, DOT and SVG."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from xml.etree import ElementTree

import pytest

from api.documents.answers_graph import ShownGraph
from api.workflows.errors import TooLargeToDraw
from api.workflows.graph.dot import dot, quoted
from api.workflows.graph.model import Graph, Node, graph, shown
from api.workflows.graph.svg import MOST_EDGES, MOST_NODES, svg
from api.workflows.plan import Part, Plan
from api.workflows.standing import Counts

SVG = "{http://www.w3.org/2000/svg}"
PLAN = Plan(
    "0ee84ee9ea3849bb88da8968ffffffff",
    "flow",
    (Part("a", 0, {}, {"type": "repeat", "number": 5}), Part("a/b c", 5, {}), Part("..", 6, {})),
    ((0, 1), (1, 2)),
)
MADE = graph(1042, "running", PLAN, [Counts(waiting=1, running=1, done=3), Counts(failed=1), Counts(waiting=1)])


def many(count: int, edges: Sequence[tuple[int, int]] = ()) -> Graph:
    nodes = (Node(f"job {index}", index, None, Counts(done=1)) for index in range(count))
    return Graph(1, "", "running", tuple(nodes), tuple(edges))


def named(*names: str) -> Graph:
    return Graph(1, names[0], "running", tuple(Node(name, 1, None, Counts(running=1)) for name in names), ())


def test_json_has_a_node_for_each_job_with_its_instances_counted() -> None:
    told = shown(MADE)
    states = {"waiting": 0, "queued": 0, "running": 0, "done": 0, "failed": 0}
    assert told == {
        "id": 1042,
        "name": "flow",
        "status": "running",
        "nodes": [
            {
                "name": "a",
                "id": 1042_000_000,
                "instances": 5,
                "factory": True,
                "state": "running",
                "states": states | {"waiting": 1, "running": 1, "done": 3},
            },
            {
                "name": "a/b c",
                "id": 1042_000_005,
                "instances": 1,
                "factory": False,
                "state": "failed",
                "states": states | {"failed": 1},
            },
            {
                "name": "..",
                "id": 1042_000_006,
                "instances": 1,
                "factory": False,
                "state": "waiting",
                "states": states | {"waiting": 1},
            },
        ],
        "edges": [{"from": "a", "to": "a/b c"}, {"from": "a/b c", "to": ".."}],
    }


def test_the_documentation_knows_the_json_in_full() -> None:
    told = shown(MADE)
    known = ShownGraph.model_validate_json(json.dumps(told))
    assert known.model_dump(mode="json", by_alias=True, exclude_unset=True) == told


def test_dot_names_jobs_and_marks_what_runs() -> None:
    text = dot(MADE)
    assert text.startswith('digraph "flow" {\n')
    assert '"a" [label="a\\n3 of 5 done, 1 running"' in text
    assert '"a" -> "a/b c";\n  "a/b c" -> "..";\n}\n' in text
    (thick,) = (line for line in text.splitlines() if 'penwidth="3"' in line)
    assert thick.startswith('  "a" [')


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a b", '"a b"'),
        ('say "x"', '"say \\"x\\""'),
        ("\\", '"\\\\"'),
        ('\\"', '"\\\\\\""'),
        ("<b>", '"<b>"'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_any_text_stays_one_string_of_dot(text: str, written: str) -> None:
    assert quoted(text) == written
    assert re.fullmatch(r'"(?:[^"\\\n]|\\.)*"', written)


def test_svg_shows_each_job_with_its_state_and_marks_what_runs() -> None:
    drawing = ElementTree.fromstring(svg(MADE))
    groups = drawing.findall(f"{SVG}g")
    assert [group.get("data-state") for group in groups] == ["running", "failed", "waiting"]
    titles = [group.findtext(f"{SVG}title") for group in groups]
    assert titles == ["a: 3 of 5 done, 1 running", "a/b c: failed", "..: waiting"]
    thick = [group.get("data-state") for group in groups if group.find(f"{SVG}rect[@stroke-width='3']") is not None]
    assert thick == ["running"]
    assert drawing.findtext(f"{SVG}title") == "flow (1042): running"


def test_names_in_svg_stay_names() -> None:
    evil = '</text><script href="x">&amp;]]><!--'
    drawing = ElementTree.fromstring(svg(named(evil, "b")))
    assert {element.tag.removeprefix(SVG) for element in drawing.iter()} <= {
        "svg",
        "title",
        "rect",
        "g",
        "text",
        "path",
    }
    assert drawing.findtext(f"{SVG}g/{SVG}title") == f"{evil}: running"


def test_long_names_are_cut_and_shown_in_full_to_who_points_at_them() -> None:
    name = "x" * 512
    group = ElementTree.fromstring(svg(named(name))).find(f"{SVG}g")
    assert group is not None
    assert group.findtext(f"{SVG}title") == f"{name}: running"
    assert len(group.findtext(f"{SVG}text") or "") == 32


def test_boxes_do_not_overlap_and_lie_within_the_drawing() -> None:
    edges = [
        (before, after) for before in range(60) for after in range(before + 1, 60) if (before * 7 + after) % 19 == 0
    ]
    drawing = ElementTree.fromstring(svg(many(70, edges)))
    wide, high = (float(drawing.get(name) or 0) for name in ("width", "height"))
    boxes: list[tuple[float, float]] = []
    for group in drawing.findall(f"{SVG}g"):
        box = group.find(f"{SVG}rect")
        assert box is not None
        left, top, width, height = (float(box.get(name) or 0) for name in ("x", "y", "width", "height"))
        assert left > 0
        assert top > 0
        assert left + width < wide
        assert top + height < high
        for x, y in boxes:
            assert abs(left - x) >= width or abs(top - y) >= height
        boxes.append((left, top))
    assert len(boxes) == 70
    assert sum(path.get("stroke") is not None for path in drawing.findall(f"{SVG}path")) == len(edges)


@pytest.mark.parametrize(
    "large", [many(MOST_NODES + 1), many(MOST_NODES, [(0, 1)] * (MOST_EDGES + 1))], ids=["nodes", "edges"]
)
def test_what_is_too_large_to_draw_is_refused_with_a_way_out(large: Graph) -> None:
    with pytest.raises(TooLargeToDraw, match="format=dot or format=json"):
        svg(large)
    assert len(shown(large)["nodes"]) == dot(large).count("label=")  # type: ignore[arg-type]
