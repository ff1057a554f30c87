"""Makes graphs of workflows. The rule behind the route; no HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from api.workflows import outcome
from api.workflows.graph.model import Graph, graph
from api.workflows.plan import Plan
from api.workflows.standing import Standings
from identity.caller import Caller
from pool.session import Ad
from pool.state import JobStatus

_ENDED = (JobStatus.REMOVED, JobStatus.COMPLETED)


@dataclass(frozen=True)
class Graphs:
    """The graphs of the workflows that `planned` finds for a caller, with their ads and plans; see `Workflows.planned`."""

    planned: Callable[[int, Caller], tuple[Ad, Plan]]
    sandboxes: Path
    standings: Standings = field(default_factory=Standings)

    def graph(self, number: int, caller: Caller) -> Graph:
        """The graph of the caller's workflow as it stands now. Raises what `planned` raises."""
        ad, plan = self.planned(number, caller)
        counts = self.standings.counts(plan, self.sandboxes / plan.submission, ad["JobStatus"] in _ENDED)
        return graph(number, str(outcome.of(ad, "").status), plan, counts)
