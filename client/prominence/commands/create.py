"""`prominence create`: a job from a file that describes it."""

from __future__ import annotations

import argparse

from prominence.commands.parsing import Commands
from prominence.commands.submitting import add_submit_options, submit
from prominence.console import Console
from prominence.descriptions import read_description


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "create",
        execute,
        summary="create a job from a description in JSON",
        details="`prominence run --dry-run ...` prints a description to begin with.",
    )
    parser.add_argument("file", metavar="FILE", help="the description; - reads the standard input")
    add_submit_options(parser)


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Create the job and return the exit code."""
    return submit(read_description(arguments.file, console.stdin.buffer), arguments, console)
