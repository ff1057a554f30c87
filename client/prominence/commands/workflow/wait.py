"""`prominence workflow wait`: sleep until a workflow has ended."""

from __future__ import annotations

import argparse

from prominence.commands.parsing import Commands, add_workflow_id
from prominence.console import Console
from prominence.jobs import summary, workflow_exit_code
from prominence.values import seconds

DETAILS = """\
Exits with 0 if all of its jobs ended well, with 1 if not or if it was deleted, and with 124 if it had
not ended in time.
"""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add("wait", execute, summary="wait until a workflow has ended", details=DETAILS)
    add_workflow_id(parser)
    parser.add_argument("--timeout", metavar="S", type=seconds, help="give up after so many seconds")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Wait, say how the workflow ended, and return that as an exit code."""
    workflow = console.client().workflows.wait(
        arguments.workflow, timeout=arguments.timeout, clock=console.monotonic, sleep=console.sleep
    )
    console.say(summary(workflow, "Workflow"))
    return workflow_exit_code(workflow)
