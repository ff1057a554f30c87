"""Factories: how many instances there are, and what is refused by name."""

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.documents.factories import Factory, count, expanded
from api.documents.substitution import LONGEST_NUMBER
from tests.unit.api.documents.workflow_support import accepted, job, refused, repeat, sweep, workflow, zipped
from worker.parameters import instance


def factory(wire: dict[str, Any]) -> Factory:
    return accepted(workflow("a", factories=[wire])).factories[0]


def xs(**parameter: Any) -> list[str]:
    made = expanded(factory(sweep("a", **parameter)))
    return [instance(made, number)["x"] for number in range(count(factory(sweep("a", **parameter))))]


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ({"start": 1, "end": 4, "step": 1}, "1 2 3 4"),
        ({"start": 1, "end": 4.5, "step": 1}, "1 2 3 4"),
        ({"start": 0, "end": 1, "step": 0.1}, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"),
        ({"start": 1, "end": 0, "step": -0.25}, "1 0.75 0.5 0.25 0"),
        ({"start": 0, "end": 1, "step": 0.3}, "0 0.3 0.6 0.9"),
        ({"start": 1.0, "end": 3.0, "step": 1.0}, "1 2 3"),
        ({"start": 5, "end": 5, "step": -2}, "5"),
        ({"start": 5, "end": 5, "number": 1}, "5"),
        ({"start": 0, "end": 1, "step": 7}, "0"),
        ({"start": 0, "end": 1, "number": 5}, "0 0.25 0.5 0.75 1"),
        ({"start": 0, "end": 1, "number": 3}, "0 0.5 1"),
        ({"start": 2, "end": -2, "number": 3}, "2 0 -2"),
        ({"start": 10**31, "end": 10**31 + 2, "step": 1}, f"{10**31} {10**31 + 1} {10**31 + 2}"),
        ({"start": 1e22, "end": 10**22, "number": 1}, str(10**22)),
    ],
)
def test_a_sweep_includes_its_end_when_a_step_lands_on_it(parameter: dict[str, Any], expected: str) -> None:
    assert " ".join(xs(**parameter)) == expected


@given(st.integers(-(10**4), 10**4), st.integers(1, 10**4), st.integers(0, 300), st.integers(0, 6), st.booleans())
@settings(deadline=None)
def test_steps_land_on_the_end_however_small(start: int, step: int, steps: int, digits: int, down: bool) -> None:
    scale = Decimal(10) ** -digits
    ends = [Decimal(start) * scale, Decimal(start + step * steps * (-1 if down else 1)) * scale]
    made = xs(start=float(ends[0]), end=float(ends[1]), step=float(step * scale) * (-1 if down else 1))
    assert len(made) == steps + 1
    assert [Decimal(made[0]), Decimal(made[-1])] == ends


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=4),
)
@settings(deadline=None)
def test_a_grid_has_the_product_of_its_axes(axes: list[tuple[int, int, int]]) -> None:
    parameters = [{"name": f"p{n}", "start": s, "end": s + w, "step": t} for n, (s, w, t) in enumerate(axes)]
    made = factory({"type": "parameterSweep", "jobs": ["a"], "parameters": parameters})
    product = 1
    for start, width, step in axes:
        product *= len(range(start, start + width + 1, step))
    assert count(made) == product
    assert len({tuple(instance(expanded(made), n).items()) for n in range(min(product, 500))}) == min(product, 500)


FINITE = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30)


@given(FINITE, FINITE, st.sampled_from(["end", "step"]), st.integers(2, 1000), st.data())
@settings(deadline=None)
def test_no_computed_number_is_longer_than_is_reckoned_with(
    start: float, other: float, way: str, number: int, data: st.DataObject
) -> None:
    axis = {"name": "x", "start": repr(start), way: repr(other), "number": number}
    place = data.draw(st.integers(0, number - 1))
    assert len(instance({"type": "grid", "axes": [axis]}, place)["x"]) <= LONGEST_NUMBER


def test_values_of_a_zip_are_texts_as_they_were_written() -> None:
    made = expanded(factory(zipped("a", x=[1, 2.5, "s p", 3.0], y=["", "é", 10**20, -1])))
    assert instance(made, 1) == {"x": "2.5", "y": "é"}
    assert [instance(made, n)["x"] for n in range(4)] == ["1", "2.5", "s p", "3.0"]
    assert instance(made, 2)["y"] == str(10**20)


def test_a_sweep_is_told_in_few_bytes_whatever_its_size() -> None:
    made = expanded(factory(sweep("a", start=1, end=100_000, step=1)))
    assert made == {"type": "grid", "axes": [{"name": "x", "start": "1", "step": "1", "number": 100_000}]}


def test_a_repeat_has_its_number() -> None:
    assert expanded(factory(repeat("a", number=7))) == {"type": "repeat", "number": 7}


SWEPT = "factories[0].parameters[0]"


@pytest.mark.parametrize(
    ("parameter", "field", "words"),
    [
        ({"start": 0, "end": 1, "step": 0}, ".step", ["must not be 0", "'x'"]),
        ({"start": 1, "end": 1, "step": 0.0}, ".step", ["must not be 0", "'x'"]),
        ({"start": 0, "end": 1, "step": -1}, ".step", ["above 0, not -1", "'x' goes from 0 to 1"]),
        ({"start": 1, "end": 0.5, "step": 0.1}, ".step", ["below 0, not 0.1", "'x' goes from 1 to 0.5"]),
        ({"start": 0, "end": 1}, "", ["exactly one of step and number", "'x' has neither"]),
        ({"start": 0, "end": 1, "step": 1, "number": 2}, "", ["exactly one of step and number", "'x' has both"]),
        ({"end": 1, "step": 1}, ".start", ["is required", "'x'"]),
        ({"start": 1, "step": 1}, ".end", ["is required", "'x'"]),
        ({"start": 0, "end": 1, "number": 0}, ".number", ["at least 1, not 0"]),
        ({"start": 0, "end": 1, "number": 1}, ".number", ["at least 2", "'x'"]),
        ({"start": 3, "end": 3.0, "number": 2}, ".number", ["must be 1", "'x'", "repeat"]),
        ({"start": 0, "end": 1, "number": 2.0}, ".number", ["an integer, not 2.0"]),
        ({"start": "0", "end": 1, "step": 1}, ".start", ["a number, not a string"]),
        ({"start": True, "end": 1, "step": 1}, ".start", ["a number, not true"]),
        ({"start": 0, "end": None, "step": 1}, ".end", ["must not be null"]),
        ({"start": 0, "end": float("inf"), "step": 1}, ".end", ["must be a finite number"]),
        ({"start": 0, "end": 1, "step": float("nan")}, ".step", ["must be a finite number"]),
        ({"start": 0, "end": 10**40, "step": 1}, ".end", ["must be a finite number"]),
        ({"start": 0, "end": 1, "step": 1, "values": [1]}, ".values", ["parameterSweep", "zip"]),
        ({"start": 0, "end": 1, "step": 1, "unit": "m"}, ".unit", ["not a known field", "step, number, values"]),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused_by_name(
    parameter: dict[str, Any], field: str, words: list[str]
) -> None:
    error = refused(workflow("a", factories=[sweep("a", **parameter)]))
    assert error.field == SWEPT + field
    assert all(word in error.message for word in words), error.message


def in_factory(**changes: Any) -> dict[str, Any]:
    return {"type": "zip", "jobs": ["a"], "parameters": [{"name": "x", "values": [1]}], **changes}


@pytest.mark.parametrize(
    ("factories", "field", "words"),
    [
        ([repeat("b")], "factories[0].jobs[0]", ["'b'", "no job"]),
        ([repeat()], "factories[0].jobs", ["at least 1 entry"]),
        ([repeat("a", "a")], "factories[0].jobs[1]", ["'a'", "factories[0]"]),
        ([repeat("c"), repeat("a", "c")], "factories[1].jobs[1]", ["'c'", "factories[0]"]),
        ([{"name": "f", **repeat("a")}, {"name": "f", **repeat("c")}], "factories[1].name", ["'f'", "factories[0]"]),
        ([in_factory(name="f\t")], "factories[0].name", ["'f\\t'"]),
        ([in_factory(type="sweep")], "factories[0].type", ["'parameterSweep', 'zip' or 'repeat'", "'sweep'"]),
        ([in_factory(number=3)], "factories[0].number", ["type zip"]),
        ([in_factory(parameters=[])], "factories[0].parameters", ["at least one entry", "zip"]),
        ([in_factory(parameters=[{"name": "x", "values": []}])], "factories[0].parameters[0].values", ["at least 1"]),
        ([in_factory(parameters=[{"name": "x"}])], "factories[0].parameters[0].values", ["'x'", "is required"]),
        ([zipped("a", x=[1, 2], y=[3])], "factories[0].parameters[1].values", ["'x' has 2", "'y' has 1"]),
        ([zipped("a", x=[1, None])], "factories[0].parameters[0].values[1]", ["a string or a number, not null"]),
        ([zipped("a", x=[[1]])], "factories[0].parameters[0].values[0]", ["not a list"]),
        ([zipped("a", x=[True])], "factories[0].parameters[0].values[0]", ["not true"]),
        ([zipped("a", x=["a\0"])], "factories[0].parameters[0].values[0]", ["NUL"]),
        ([zipped("a", x=["a" * 4097])], "factories[0].parameters[0].values[0]", ["4096"]),
        (
            [in_factory(parameters=[{"name": "x", "values": [1], "step": 1}])],
            "factories[0].parameters[0].step",
            ["zip"],
        ),
        (
            [zipped("a", x=[1]) | {"parameters": [{"name": "x", "values": [1]}] * 2}],
            "factories[0].parameters[1].name",
            ["'x'"],
        ),
        ([zipped("a", **{"1x": [1]})], "factories[0].parameters[0].name", ["'1x'"]),
        ([zipped("a", **{"x-y": [1]})], "factories[0].parameters[0].name", ["'x-y'"]),
        ([zipped("a", **{"é": [1]})], "factories[0].parameters[0].name", ["'é'"]),
        ([zipped("a", **{"x\n": [1]})], "factories[0].parameters[0].name", ["'x\\n'"]),
        ([{"type": "repeat", "jobs": ["a"]}], "factories[0].number", ["is required"]),
        ([repeat("a", number=0)], "factories[0].number", ["at least 1, not 0"]),
        ([in_factory(type="repeat", number=1)], "factories[0].parameters", ["repeat"]),
        ([{"type": "parameterSweep", "jobs": ["a"]}], "factories[0].parameters", ["at least one entry"]),
    ],
)
def test_a_factory_that_makes_no_sense_is_refused_by_name(factories: Any, field: str, words: list[str]) -> None:
    error = refused(workflow("a", "c", factories=factories))
    assert error.field == field
    assert all(word in error.message for word in words), error.message


HUGE = [
    [sweep("a", start=1, end=10**9, step=1)],
    [sweep("a", start=0, end=1, step=1e-9)],
    [sweep("a", start=0, end=1.7e308, step=5e-324)],
    [sweep("a", start=0, end=1, number=10**9)],
    [repeat("a", number=10**31)],
    [{"type": "parameterSweep", "jobs": ["a"], "parameters": [
        {"name": f"p{n}", "start": 0, "end": 1e300, "step": 1e-300} for n in range(100)]}],
]  # fmt: skip


@pytest.mark.parametrize("factories", HUGE)
def test_a_huge_sweep_is_refused_without_a_look_at_its_instances(factories: Any) -> None:
    begun = time.process_time()
    error = refused(workflow("a", factories=factories))
    assert time.process_time() - begun < 0.1
    assert error.field == "factories[0]"
    assert "more than 100000 instances" in error.message
    assert "'a'" in error.message


def test_as_many_instances_as_there_may_be_are_accepted() -> None:
    accepted(workflow("a", "b", factories=[sweep("a", start=1, end=100_000, step=1)]))
    accepted(workflow("a", "b", factories=[repeat("a", "b", number=50_000)]))


def test_the_instances_of_all_factories_count_together() -> None:
    error = refused(workflow("a", "b", factories=[repeat("a", number=99_999), repeat("b", number=2)]))
    assert error.field == "factories[1]"
    assert "2 of 'b', 100001 with those" in error.message
    assert "50001 of 'a'" not in refused(workflow("a", "b", factories=[repeat("a", "b", number=50_001)])).message


def test_how_many_instances_there_may_be_is_a_parameter() -> None:
    error = refused(workflow(job("a"), factories=[repeat("a", number=11)]), most_instances=10)
    assert "more than 10 instances: it makes 11 of 'a'" in error.message
