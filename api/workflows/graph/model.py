"""The graph of a workflow: a node for each of its jobs, however many instances that has. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from api.workflows.plan import Plan
from api.workflows.standing import Counts
from pool.node_states import NodeState
from pool.numbers import instance_id


@dataclass(frozen=True)
class Node:
    """A job: the id of its first instance, how many instances it has (None: it has no factory), and how they stand."""

    name: str
    id: int
    instances: int | None
    counts: Counts

    @property
    def state(self) -> str:
        """The job as a whole in a word."""
        return self.counts.state.name.lower()

    @property
    def summary(self) -> str:
        """How its instances stand, in a few words: `7 of 100 done, 3 running`."""
        if self.instances is None:
            return self.state
        others = ((NodeState.RUNNING, self.counts.running), (NodeState.FAILED, self.counts.failed))
        words = [f"{count} {state.name.lower()}" for state, count in others if count]
        return ", ".join([f"{self.counts.done} of {self.instances} done", *words])


@dataclass(frozen=True)
class Graph:
    """The workflow with that id; `edges` are pairs of indexes of nodes, the second waits for the first."""

    id: int
    name: str
    status: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]


def graph(number: int, status: str, plan: Plan, counts: Sequence[Counts]) -> Graph:
    """The graph of workflow `number` with that plan; `counts` has one entry for each part."""
    nodes = (
        Node(part.name, instance_id(number, part.first), None if part.factory is None else part.count, count)
        for part, count in zip(plan.parts, counts, strict=True)
    )
    return Graph(number, plan.name, status, tuple(nodes), plan.edges)


def shown(made: Graph) -> dict[str, object]:
    """The graph as the API shows it."""
    return {
        "id": made.id,
        "name": made.name,
        "status": made.status,
        "nodes": [_node(node) for node in made.nodes],
        "edges": [{"from": made.nodes[before].name, "to": made.nodes[after].name} for before, after in made.edges],
    }


def _node(node: Node) -> dict[str, object]:
    return {
        "name": node.name,
        "id": node.id,
        "instances": 1 if node.instances is None else node.instances,
        "factory": node.instances is not None,
        "state": node.state,
        "states": asdict(node.counts),
    }
