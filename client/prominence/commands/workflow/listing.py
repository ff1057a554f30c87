"""`prominence workflow list`: many workflows, a line each, with how far they are."""

from __future__ import annotations

import argparse
import json

from prominence.commands.parsing import Commands, add_list_options, list_choice
from prominence.console import Console
from prominence.render.table import workflow_table

FINISHED_SHOWN = 20
"""How many finished workflows a list shows where the user does not say: what a screen holds."""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add("list", execute, summary="list workflows, the active ones unless told otherwise")
    add_list_options(parser, "workflows", FINISHED_SHOWN, ("idle", "running"))


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Print the workflows."""
    workflows = console.client().workflows.select(**list_choice(arguments, FINISHED_SHOWN))
    if arguments.json:
        console.say(json.dumps(workflows, indent=2))
    else:
        console.say(*workflow_table(workflows, now=console.clock(), width=console.width()))
    return 0
