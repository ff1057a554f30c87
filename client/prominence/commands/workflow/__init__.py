"""The commands behind `prominence workflow`: those that take the id of a workflow, or list workflows.

Ids of workflows and of jobs are both numbers, so the word before an id says which is meant.
"""

from __future__ import annotations

from prominence.commands.parsing import Commands
from prominence.commands.workflow import again, delete, describe, graph, listing, output, wait

REGISTER = (
    listing.register,
    describe.register,
    graph.register,
    output.register,
    wait.register,
    again.register,
    delete.register,
)
"""In the order of the help."""


def register(commands: Commands) -> None:
    """Add the word with its commands."""
    group = commands.group("workflow", summary="list workflows, describe them, run them again (`create` makes them)")
    for add in REGISTER:
        add(group)
