"""`prominence workflow describe`: all about one workflow."""

from __future__ import annotations

import argparse
import json

from prominence.commands.parsing import Commands, add_workflow_id
from prominence.console import Console
from prominence.render.outline import job_outline


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "describe",
        execute,
        summary="show all about one workflow",
        details="`prominence list --workflow ID` lists its jobs.",
    )
    add_workflow_id(parser)
    parser.add_argument("--json", action="store_true", help="print what the service answers")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Print the workflow."""
    workflow = console.client().workflows.describe(arguments.workflow)
    if arguments.json:
        console.say(json.dumps(workflow, indent=2))
    else:
        console.say(*job_outline(workflow))
    return 0
