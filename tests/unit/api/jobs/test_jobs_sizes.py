"""The size that a job gets where it has a choice: HTCondor's own evaluation, beside the planner's rule."""

from __future__ import annotations

from typing import Any

import classad2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.documents.resources import Resources
from api.jobs.sizes import Sizes, sizes
from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning.demand import Needs
from tests.unit.api.jobs.jobs_support import ad_of, described, job
from worker.environment import cpus_of

Open = st.tuples(st.integers(1, 40), st.integers(1, 40)).map(sorted)


def of(**asked: Any) -> Sizes:
    return sizes(Resources.model_validate(asked))


def evaluated(node: Sizes, slot: Amount | None) -> tuple[int, int]:
    """RequestCpus and RequestMemory (MB), beside a slot or, where there is none, in the queue."""
    ad, machine = classad2.ClassAd(), classad2.ClassAd()
    ad["RequestCpus"] = classad2.ExprTree(node.request_cpus)
    ad["RequestMemory"] = classad2.ExprTree(node.request_memory)
    if slot is not None:
        machine["Cpus"], machine["Memory"] = slot.cpus, slot.memory
    cpus, memory = (ad.lookup(name).eval(ad, machine) for name in ("RequestCpus", "RequestMemory"))
    return int(cpus), int(memory)


@pytest.mark.parametrize(
    ("asked", "slot", "got"),
    [
        ({"cpus": 4, "memory": 2}, (16, 9999), (4, 2048)),
        ({"cpus": 4, "memoryPerCpu": 0.3}, (16, 9999), (4, 1229)),
        ({"cpusRange": [2, 8], "memory": 2}, (16, 9999), (8, 2048)),
        ({"cpusRange": [2, 8], "memory": 2}, (5, 9999), (5, 2048)),
        ({"cpusRange": [2, 8], "memory": 2}, (1, 9999), (2, 2048)),
        ({"cpusRange": [2, 8], "memoryPerCpu": 1.5}, (16, 6 * 1536 + 1535), (6, 6 * 1536)),
        ({"cpusRange": [2, 8], "memoryPerCpu": 1.5}, (16, 1), (2, 2 * 1536)),
        ({"cpusRange": [3, 3], "memoryPerCpu": 1}, (16, 9999), (3, 3072)),
        ({"cpusOptions": [8, 3], "memory": 2}, (16, 9999), (8, 2048)),
        ({"cpusOptions": [8, 3], "memory": 2}, (7, 9999), (3, 2048)),
        ({"cpusOptions": [3, 8], "memoryPerCpu": 1}, (16, 8191), (3, 3072)),
        ({"totalCpusRange": [5, 9], "memory": 1}, (8, 9999), (8, 1024)),
        # One node, so what the total leaves out is no choice.
        ({"cpusRange": [2, 8], "totalCpusRange": [4, 6], "memory": 1}, (16, 9999), (6, 1024)),
        ({"cpusRange": [2, 8], "totalCpusRange": [4, 6], "memory": 1}, (3, 9999), (4, 1024)),
        ({"cpusOptions": [2, 8], "totalCpusRange": [6, 9], "memory": 1}, (4, 9999), (8, 1024)),
    ],
)
def test_a_job_gets_the_largest_size_that_fits(
    asked: dict[str, Any], slot: tuple[int, int], got: tuple[int, int]
) -> None:
    assert evaluated(of(**asked), Amount(*slot, 0)) == got


@given(Open, st.booleans(), st.booleans(), st.integers(1, 4), st.integers(0, 50), st.integers(0, 60_000))
def test_htcondor_gives_what_the_planner_counts_with(
    pair: list[int], two: bool, per_cpu: bool, gigabytes: int, cpus: int, memory: int
) -> None:
    asked: dict[str, Any] = {"cpusOptions" if two else "cpusRange": pair}
    asked["memoryPerCpu" if per_cpu else "memory"] = gigabytes
    node, slot = of(**asked), Amount(cpus, memory, 0)
    mb = gigabytes * 1024
    options = node.options if node.is_open else ()
    needs = Needs(pair[0], pair[1], 0 if per_cpu else mb, mb if per_cpu else 0, options=options)
    given_cpus, given_memory = evaluated(node, slot)
    fits = given_cpus <= slot.cpus and given_memory <= slot.memory
    expected = needs.fit(slot)
    assert fits == (expected is not None)
    assert expected is None or (given_cpus, given_memory) == expected[:2]


@given(Open, st.booleans(), st.booleans())
def test_in_the_queue_a_job_asks_for_the_least(pair: list[int], two: bool, per_cpu: bool) -> None:
    asked = {"cpusOptions" if two else "cpusRange": pair, "memoryPerCpu" if per_cpu else "memory": 2}
    assert evaluated(of(**asked), None) == (pair[0], 2048 * (pair[0] if per_cpu else 1))


@given(Open, st.booleans(), st.integers(0, 50))
def test_the_tasks_see_what_the_slot_has_for_them(pair: list[int], two: bool, cpus: int) -> None:
    node = of(**{"cpusOptions" if two else "cpusRange": pair, "memory": 1})
    expected, _ = evaluated(node, Amount(cpus, 9999, 0))
    assert cpus_of(node.told, cpus) == expected


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"cpus": 4, "memoryPerCpu": 1}, {}),
        ({"cpusRange": [4, 4], "memoryPerCpu": 1}, {}),
        ({"cpusRange": [2, 8], "memory": 1}, {"ProminenceCpusMax": 8}),
        ({"cpusOptions": [8, 2], "memory": 1}, {"ProminenceCpusMax": 8, "ProminenceCpusOptions": [2, 8]}),
        ({"cpusRange": [2, 8], "memoryPerCpu": 1.5}, {"ProminenceCpusMax": 8, "ProminenceMemoryPerCpu": 1536}),
    ],
)
def test_those_who_plan_workers_are_told_of_the_choice(asked: dict[str, Any], said: dict[str, Any]) -> None:
    names = ("ProminenceCpusMax", "ProminenceCpusOptions", "ProminenceMemoryPerCpu")
    ad = ad_of(described(job(resources=asked)))
    assert {name: ad[name] for name in names if name in ad} == said
