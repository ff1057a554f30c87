"""`prominence workflow delete`: end workflows with all of their jobs."""

from __future__ import annotations

import argparse

from prominence.commands.deleting import all_or_none
from prominence.commands.parsing import Commands
from prominence.console import Console
from prominence.values import positive


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add("delete", execute, summary="end workflows and all of their jobs")
    parser.add_argument("workflows", metavar="ID", nargs="+", type=positive, help="the workflows' ids")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Delete the workflows."""
    ids = list(dict.fromkeys(arguments.workflows))
    with all_or_none(ids, console):
        console.client().workflows.delete(ids)
    console.say(*(f"Workflow {workflow_id} deleted" for workflow_id in ids))
    return 0
