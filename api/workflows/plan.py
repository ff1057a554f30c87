"""The plan of a workflow: which instances it has, under which numbers and names, and what each of them is. Pure.

Every instance of every job is one node of the DAG and one job in the queue (docs/decisions/0015-a-node-for-each-instance.md).
All of a workflow's instances are numbered from 0, those of its first job first. The folder of the workflow and those of its
instances have names that follow from one another, so nothing has to be kept of either.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from worker import parameters

MOST_EDGES = 1_000_000
"""Edges between instances that all pairs of jobs share; a pair that would have more than its share is joined."""
_STEM = 24
_WORKFLOW = "f" * 8


def workflow_name(name: str) -> str:
    """The submission of a workflow, from 32 hexadecimal digits of which the last ones do not matter."""
    return name[:_STEM] + _WORKFLOW


def job_name(name: str) -> str:
    """The submission of a job of its own, from 32 hexadecimal digits: one that no workflow has."""
    return f"{name[:-1]}0" if is_workflow(name) else name


def is_workflow(submission: str) -> bool:
    """Whether this is the submission of a workflow rather than of a job."""
    return submission[_STEM:] == _WORKFLOW


def instance_name(workflow: str, number: int) -> str:
    """The submission of an instance of the workflow with that submission."""
    return f"{workflow[:_STEM]}{number:08x}"


@dataclass(frozen=True)
class Part:
    """One job of a workflow: its name there, the number of its first instance, and what its instances are made of.

    `document` is the job as it may be shown; `factory` is what `worker.parameters` reads, None for a job without instances.
    """

    name: str
    first: int
    document: Mapping[str, Any]
    factory: Mapping[str, Any] | None = None

    @cached_property
    def count(self) -> int:
        """How many instances there are; one where there is no factory."""
        return 1 if self.factory is None else parameters.count(self.factory)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters of its instances."""
        return tuple(axis["name"] for axis in (self.factory or {}).get("axes", ()))

    @property
    def numbers(self) -> range:
        """The numbers of the instances."""
        return range(self.first, self.first + self.count)


@dataclass(frozen=True)
class Plan:
    """The whole of a workflow. `edges` are pairs of indexes of parts, the first to be done before the second.

    After a rerun `done` are the numbers of the instances that had ended well in the workflow `previous`, and are not run again.
    """

    submission: str
    name: str
    parts: tuple[Part, ...]
    edges: tuple[tuple[int, int], ...] = ()
    previous: str | None = None
    done: frozenset[int] = frozenset()

    @property
    def total(self) -> int:
        """How many instances there are."""
        return self.parts[-1].numbers.stop

    @cached_property
    def joined(self) -> Mapping[int, frozenset[int]]:
        """Edges that stand for so many between instances that nodes of their own have to join these: by the index of each later
        part those of the earlier ones."""
        found: dict[int, set[int]] = {}
        share = MOST_EDGES // max(1, len(self.edges))
        for before, after in self.edges:
            if self.parts[before].count * self.parts[after].count > max(1, share):
                found.setdefault(after, set()).add(before)
        return {after: frozenset(befores) for after, befores in found.items()}

    @cached_property
    def _firsts(self) -> list[int]:
        return [part.first for part in self.parts]

    @cached_property
    def _by_name(self) -> dict[str, Part]:
        return {part.name: part for part in self.parts}

    def part_of(self, number: int) -> Part:
        """The job that instance `number` is one of. Raises IndexError where there is no such instance."""
        if not 0 <= number < self.total:
            raise IndexError(number)
        return self.parts[bisect_right(self._firsts, number) - 1]

    def instance_name(self, number: int) -> str:
        """The submission of an instance: the name of its node and of its folder, 32 hexadecimal digits."""
        return instance_name(self.submission, number)

    def part_named(self, job: str) -> Part:
        """The job of that name. Raises KeyError where there is none."""
        return self._by_name[job]

    def number_of(self, job: str, instance: int | None) -> int | None:
        """The number of an instance by the name of its job and, where the job has a factory, its place there; None: no such."""
        part = self._by_name.get(job)
        if part is None or (instance is None) != (part.factory is None) or not 0 <= (instance or 0) < part.count:
            return None
        return part.first + (instance or 0)

    def document_of(self, number: int) -> tuple[dict[str, Any], dict[str, str]]:
        """The job of an instance as it may be shown, under its full name, and the instance's parameters."""
        part = self.part_of(number)
        name = "/".join(filter(None, (self.name, part.name)))
        if part.factory is None:
            return {**part.document, "name": name}, {}
        values = self.parameters_of(number)
        place = number - part.first
        return {**parameters.for_instance(part.document, values), "name": f"{name}/{place}"}, values

    def parameters_of(self, number: int) -> dict[str, str]:
        """The parameters of an instance, by name."""
        part = self.part_of(number)
        return {} if part.factory is None else parameters.instance(part.factory, number - part.first)


def instance_number(submission: str) -> int | None:
    """The number of an instance with that submission, if it is one; None for a workflow's own. Jobs of their own look alike."""
    return None if is_workflow(submission) else int(submission[_STEM:], 16)


def written(plan: Plan) -> str:
    """The plan as JSON text."""
    parts = [
        {"name": part.name, "first": part.first, "document": part.document, "factory": part.factory}
        for part in plan.parts
    ]
    return json.dumps(
        {
            "submission": plan.submission,
            "name": plan.name,
            "parts": parts,
            "edges": plan.edges,
            "previous": plan.previous,
            "done": _ranges(sorted(plan.done)),
        }
    )


def read(text: bytes) -> Plan:
    """The plan of a JSON text that `written` made. Raises ValueError, KeyError or TypeError for any other."""
    told = json.loads(text)
    return Plan(
        told["submission"],
        told["name"],
        tuple(Part(part["name"], part["first"], part["document"], part["factory"]) for part in told["parts"]),
        tuple((before, after) for before, after in told["edges"]),
        told["previous"],
        frozenset(number for first, last in told["done"] for number in range(first, last + 1)),
    )


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as pairs of the first and the last of those that follow one another."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
