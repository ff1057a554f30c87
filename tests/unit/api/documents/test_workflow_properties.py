"""Promises about every workflow there is, and about the time that large ones take."""

import gc
import graphlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.documents import InvalidDocument
from api.documents.parse import parse_workflow
from api.documents.workflow import Workflow, edges, instances
from tests.unit.api.documents.test_documents_properties import JSON
from tests.unit.api.documents.workflow_support import job, sweep, workflow, zipped

NAMES = st.sampled_from(["a", "ab", "a/b", "a b", "a/0", "a.b", "b"])
SMALL = st.integers(-3, 3) | st.floats(-3, 3) | st.none() | st.booleans() | st.sampled_from(["a", "$p", ""])
PARAMETERS = st.fixed_dictionaries(
    {"name": st.sampled_from(["p", "q", "p q"])},
    optional={"start": SMALL, "end": SMALL, "step": SMALL, "number": SMALL, "values": st.lists(SMALL, max_size=3)},
)
FACTORIES = st.fixed_dictionaries(
    {"type": st.sampled_from(["parameterSweep", "zip", "repeat"]), "jobs": st.lists(NAMES, max_size=2)},
    optional={"name": NAMES, "parameters": st.lists(PARAMETERS, max_size=2), "number": SMALL},
)
URLS = st.tuples(NAMES, st.sampled_from(["", "/0", "/*", "/$p", "/9"]), st.sampled_from(["f", "g", "f/g", ".."])).map(
    lambda parts: "job://{}{}/{}".format(*parts)
)
JOBS = st.builds(
    lambda name, urls, files: job(name, artifacts=[{"url": url} for url in urls], outputFiles=files),
    NAMES,
    st.lists(URLS, max_size=2),
    st.lists(st.sampled_from(["f", "g*", "**/g", "$p"]), max_size=2),
)
NEARLY = st.fixed_dictionaries(
    {"jobs": st.lists(JOBS | JSON, max_size=4)},
    optional={
        "dependencies": st.dictionaries(NAMES, st.lists(NAMES, max_size=3), max_size=3) | JSON,
        "factories": st.lists(FACTORIES, max_size=2) | JSON,
        "name": NAMES,
        "policies": JSON,
        "notifications": JSON,
    },
)


def outcome(document: Any) -> Workflow | InvalidDocument:
    """What parsing gives; anything but these two fails the test."""
    try:
        return parse_workflow(json.dumps(document).encode())
    except InvalidDocument as error:
        return error


@given(NEARLY | JSON)
@settings(max_examples=300, deadline=None)
def test_anything_is_a_workflow_or_refused(document: Any) -> None:
    made = outcome(document)
    if isinstance(made, InvalidDocument):
        assert made.message.startswith(f"{made.field or 'the body'} ")
    else:
        wire = made.model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert outcome(wire) == made


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
    )
)
@settings(deadline=None)
def test_a_workflow_is_accepted_just_if_it_has_an_order(graph: tuple[int, set[tuple[int, int]]]) -> None:
    size, pairs = graph
    dependencies: dict[str, list[str]] = {}
    for parent, child in pairs:
        dependencies.setdefault(f"n{parent}", []).append(f"n{child}")
    made = outcome(workflow(*(f"n{number}" for number in range(size)), dependencies=dependencies))
    order: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    for parent, child in pairs:
        order.add(f"n{child}", f"n{parent}")
    try:
        order.prepare()
    except graphlib.CycleError:
        assert isinstance(made, InvalidDocument)
        return
    assert isinstance(made, Workflow)
    assert set(edges(made)) == {(f"n{parent}", f"n{child}") for parent, child in pairs}


@pytest.fixture
def cpu_seconds() -> Iterator[Callable[[Callable[[], Any]], float]]:
    """Measures the CPU time of a call, the best of three, without collections of the garbage of other tests."""

    def measure(call: Callable[[], Any]) -> float:
        times = []
        for _ in range(3):
            begun = time.process_time()
            call()
            times.append(time.process_time() - begun)
        return min(times)

    gc.collect()
    gc.disable()
    yield measure
    gc.enable()


def large() -> dict[str, Any]:
    """10,000 jobs in layers of 100 that depend on one another by artifacts and names, the first swept 100,000 times."""
    names = [f"step {number // 100}/{number % 100}" for number in range(10_000)]
    jobs = [job(name, tasks=[{"image": "busybox", "cmd": "run $x"}], outputFiles=["out.dat"]) for name in names]
    for place in range(101, len(names)):
        jobs[place]["artifacts"] = [{"url": f"job://{names[place - 100]}/out.dat"}]
    return workflow(
        *jobs,
        dependencies={name: names[place + 99 : place + 102] for place, name in enumerate(names[:-101])},
        factories=[sweep(names[0], start=1, end=100_000, step=1)],
    )


def test_ten_thousand_jobs_and_a_sweep_of_a_hundred_thousand_take_well_under_a_second(
    cpu_seconds: Callable[[Callable[[], Any]], float],
) -> None:
    body = json.dumps(large()).encode()
    made = parse_workflow(body)
    assert sum(number or 1 for number in instances(made).values()) == 109_999
    assert len(edges(made)) == 29_698
    assert cpu_seconds(lambda: parse_workflow(body)) < 0.9
    assert cpu_seconds(lambda: edges(made)) < 0.2


def test_a_zip_of_a_hundred_thousand_takes_well_under_a_second(
    cpu_seconds: Callable[[Callable[[], Any]], float],
) -> None:
    body = json.dumps(
        workflow(job("a", outputFiles=["$x"]), factories=[zipped("a", x=list(range(100_000)), y=["v"] * 100_000)])
    ).encode()
    assert cpu_seconds(lambda: parse_workflow(body)) < 0.9
