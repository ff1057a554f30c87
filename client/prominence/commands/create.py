"""`prominence create`: a job or a workflow from a file that describes it."""

from __future__ import annotations

import argparse

from prominence.commands.parsing import Commands
from prominence.commands.submitting import add_submit_options, submit, submit_workflow
from prominence.console import Console
from prominence.descriptions import read_description

DETAILS = """\
A description with `jobs`, or a list of jobs, is a workflow. Its id, like that of a job, is printed; the commands for
workflows stand behind `prominence workflow`. `prominence run --dry-run ...` prints a description of a job to begin with.
"""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "create", execute, summary="create a job or a workflow from a description in JSON or YAML", details=DETAILS
    )
    parser.add_argument("file", metavar="FILE", help="the description; - reads the standard input")
    add_submit_options(parser)


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Create what the file describes and return the exit code."""
    description = read_description(arguments.file, console.stdin.buffer)
    create = submit_workflow if description.workflow else submit
    return create(description.content, arguments, console)
