"""`prominence workflow graph`: the jobs of a workflow, how they stand, and which waits for which."""

from __future__ import annotations

import argparse

from prominence.commands.parsing import Commands, add_workflow_id
from prominence.console import Console
from prominence.render.table import graph_table
from prominence.workflows import MEDIA_TYPES


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "graph",
        execute,
        summary="show a workflow's jobs, how they stand and which waits for which",
        details="A drawing: prominence workflow graph --format svg ID > workflow.svg",
    )
    add_workflow_id(parser)
    parser.add_argument(
        "--format",
        choices=("text", *MEDIA_TYPES),
        default="text",
        help="a table (text, as it is without this), json, dot for Graphviz, or a drawing (svg)",
    )


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Print the graph."""
    workflows = console.client().workflows
    if arguments.format == "text":
        console.say(*graph_table(workflows.graph(arguments.workflow), width=console.width()))
    else:
        console.write(workflows.drawing(arguments.workflow, arguments.format))
    return 0
