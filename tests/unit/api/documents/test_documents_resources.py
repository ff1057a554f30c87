"""Resources: what may be asked for, and the numbers that follow."""

from collections.abc import Callable
from typing import Any

import pytest

from api.documents import InvalidDocument, Job
from api.documents.resources import fit_nodes

ACCEPTED: list[dict[str, Any]] = [
    {"cpus": 1, "memory": 1},
    {"cpus": 100_000, "memory": 1_000_000, "disk": 1_000_000, "walltime": 5_256_000, "nodes": 10_000},
    {"cpus": 1, "memory": 0.5},
    {"cpus": 1, "memoryPerCpu": 2},
    {"cpusRange": [2, 8], "memory": 4},
    {"cpusRange": [2, 2], "memory": 4},
    {"cpusOptions": [16, 32], "memoryPerCpu": 1.5},
    {"cpusOptions": [32, 16], "memory": 1},
    {"cpus": 8, "totalCpusRange": [16, 32], "memory": 1},
    {"cpus": 8, "nodes": 1, "totalCpusRange": [16, 32], "memory": 1},
    {"cpusRange": [4, 8], "totalCpusRange": [16, 32], "memory": 1},
    {"cpusOptions": [4, 8], "totalCpusRange": [16, 32], "memory": 1},
    {"totalCpusRange": [4, 8], "memory": 1},
    {"totalCpusRange": [4, 8], "nodes": 4, "memory": 1},
]

GOOD: dict[str, Any] = {"cpus": 4, "memory": 8}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "resources"),
    ({"memory": 1}, "resources"),
    ({"cpus": 1}, "resources"),
    ({"cpus": 1, "memory": 1, "memoryPerCpu": 1}, "resources"),
    ({"cpus": 1, "cpusRange": [1, 2], "memory": 1}, "resources"),
    ({"cpus": 1, "cpusOptions": [1, 2], "memory": 1}, "resources"),
    ({"cpusRange": [1, 2], "cpusOptions": [1, 2], "memory": 1}, "resources"),
    *[(GOOD | {"cpus": bad}, "resources.cpus") for bad in (0, -1, "2", True, 1.0, 1.5, None, [1], 100_001, 10**30)],
    *[(GOOD | {"nodes": bad}, "resources.nodes") for bad in (0, -1, "1", True, 2.0, None, 10_001)],
    *[(GOOD | {"disk": bad}, "resources.disk") for bad in (0, "10", True, 1.0, None, 1_000_001)],
    *[(GOOD | {"walltime": bad}, "resources.walltime") for bad in (0, -5, "1", False, 9.5, None, 5_256_001)],
    *[(GOOD | {"memory": bad}, "resources.memory") for bad in (0, -1, 0.0, "1", True, None, [1], 10**30)],
    *[
        ({"cpus": 1, "memoryPerCpu": bad}, "resources.memoryPerCpu")
        for bad in (0, -0.5, "1", False, None, [1], 1_000_001)
    ],
    *[
        ({"cpusRange": bad, "memory": 1}, "resources.cpusRange")
        for bad in (4, "1,2", [], [1], [1, 2, 3], [3, 2], {"min": 1}, None)
    ],
    ({"cpusRange": [0, 2], "memory": 1}, "resources.cpusRange[0]"),
    ({"cpusRange": [1, 2.0], "memory": 1}, "resources.cpusRange[1]"),
    ({"cpusRange": [1, 100_001], "memory": 1}, "resources.cpusRange[1]"),
    ({"cpusOptions": [1], "memory": 1}, "resources.cpusOptions"),
    ({"cpusOptions": [1, 0], "memory": 1}, "resources.cpusOptions[1]"),
    ({"cpusOptions": [1, True], "memory": 1}, "resources.cpusOptions[1]"),
    ({"cpus": 1, "memory": 1, "totalCpusRange": [2, 1]}, "resources.totalCpusRange"),
    ({"cpus": 1, "memory": 1, "totalCpusRange": [0, 1]}, "resources.totalCpusRange[0]"),
    ({"cpus": 8, "memory": 1, "totalCpusRange": [17, 23]}, "resources.totalCpusRange"),
    ({"cpus": 8, "memory": 1, "totalCpusRange": [1, 7]}, "resources.totalCpusRange"),
    ({"cpus": 8, "memory": 1, "totalCpusRange": [16, 32], "nodes": 2}, "resources.nodes"),
    ({"memory": 1, "totalCpusRange": [5, 5], "nodes": 2}, "resources.totalCpusRange"),
    ({"memory": 1, "totalCpusRange": [1, 3], "nodes": 4}, "resources.totalCpusRange"),
    (GOOD | {"gpus": 1}, "resources.gpus"),
    (GOOD | {"memory_per_cpu": 1}, "resources.memory_per_cpu"),
]


@pytest.mark.parametrize("resources", ACCEPTED, ids=str)
def test_resources_of_the_contract_are_accepted(accepted: Callable[..., Job], resources: dict[str, Any]) -> None:
    given = accepted(("resources",), resources).resources
    assert given.model_dump(mode="json", by_alias=True, exclude_unset=True) == resources


@pytest.mark.parametrize(("resources", "field"), REFUSED, ids=str)
def test_other_resources_are_refused_by_field(
    refused: Callable[..., InvalidDocument], resources: dict[str, Any], field: str
) -> None:
    assert refused(("resources",), resources).field == field


def test_resources_must_be_an_object(refused: Callable[..., InvalidDocument]) -> None:
    assert refused(("resources",), [1]).message == "resources must be an object, not a list"


def test_what_is_left_out_has_the_documented_default(accepted: Callable[..., Job]) -> None:
    given = accepted(("resources",), GOOD).resources
    assert (given.nodes, given.disk, given.walltime) == (1, 10, 720)


def test_a_whole_number_of_gigabytes_stays_an_integer(accepted: Callable[..., Job]) -> None:
    assert type(accepted(("resources",), {"cpus": 1, "memory": 8}).resources.memory) is int
    assert type(accepted(("resources",), {"cpus": 1, "memory": 8.0}).resources.memory) is float


DERIVED: list[tuple[dict[str, Any], tuple[int, int, float, int]]] = [
    ({"cpus": 4, "memory": 8}, (4, 4, 8, 1)),
    ({"cpus": 4, "memoryPerCpu": 1.5, "nodes": 3}, (4, 4, 6.0, 3)),
    ({"cpusRange": [2, 8], "memoryPerCpu": 2}, (2, 8, 4, 1)),
    ({"cpusOptions": [32, 16], "memoryPerCpu": 2}, (16, 32, 32, 1)),
    ({"cpus": 8, "memory": 1, "totalCpusRange": [16, 32]}, (8, 8, 1, 4)),
    ({"cpusRange": [4, 8], "memoryPerCpu": 2, "totalCpusRange": [16, 32]}, (4, 8, 8, 4)),
    ({"totalCpusRange": [3, 8], "memoryPerCpu": 1}, (3, 8, 3, 1)),
    ({"totalCpusRange": [5, 9], "nodes": 2, "memoryPerCpu": 1}, (3, 4, 3, 2)),
]


@pytest.mark.parametrize(("resources", "expected"), DERIVED, ids=str)
def test_cpus_memory_and_nodes_follow_from_what_was_asked_for(
    accepted: Callable[..., Job], resources: dict[str, Any], expected: tuple[int, int, float, int]
) -> None:
    given = accepted(("resources",), resources).resources
    assert (given.cpus_min, given.cpus_max, given.memory_gb, given.effective_nodes) == expected


@pytest.mark.parametrize(
    ("total", "cpus", "nodes"),
    [
        ((16, 32), range(4, 9), 4),
        ((16, 30), (8,), 3),
        ((20, 23), range(4, 9), 3),
        ((20, 23), (8,), None),
        ((1, 3), (4,), None),
        ((1, 1_000_000), (1,), 10_000),
        ((20_000, 1_000_000), (1,), None),
    ],
)
def test_the_largest_nodes_that_fit_are_chosen(
    total: tuple[int, int], cpus: range | tuple[int, ...], nodes: int | None
) -> None:
    assert fit_nodes(total, cpus) == nodes
