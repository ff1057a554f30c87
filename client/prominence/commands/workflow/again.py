"""`prominence workflow rerun` and `clone`: a new workflow made of an earlier one."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from prominence.commands.parsing import Commands, add_workflow_id
from prominence.commands.submitting import add_wait_options, created_workflow
from prominence.console import Console
from prominence.workflows import Workflows

Make = Callable[[Workflows, int], int]
"""Makes a new workflow of the one with that id, and returns its id."""

SUMMARIES = {
    "rerun": "run what failed and what never ran of a workflow again, as a new one",
    "clone": "create a workflow with the description of another one",
}


def register(commands: Commands) -> None:
    """Add both commands."""
    for name, make in (("rerun", Workflows.rerun), ("clone", Workflows.clone)):
        parser = commands.add(name, partial(execute, make), summary=SUMMARIES[name])
        add_workflow_id(parser)
        add_wait_options(parser)


def execute(make: Make, arguments: argparse.Namespace, console: Console) -> int:
    """Create the new workflow, and wait for its end if the options say so."""
    client = console.client()
    return created_workflow(client, make(client.workflows, arguments.workflow), arguments, console)
