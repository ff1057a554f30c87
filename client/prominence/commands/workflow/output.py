"""`prominence workflow stdout` and `stderr`: what a job of a workflow has written, by its name."""

from __future__ import annotations

import argparse
from functools import partial

from prominence.commands.output import add_output_options, show
from prominence.commands.parsing import Commands, add_workflow_id
from prominence.console import Console
from prominence.values import natural


def register(commands: Commands) -> None:
    """Add both commands."""
    for stream, words in (("stdout", "standard output"), ("stderr", "standard error")):
        parser = commands.add(
            stream,
            partial(execute, stream),
            summary=f"print the {words} of a workflow's job, also while it runs",
        )
        add_workflow_id(parser)
        parser.add_argument("job", metavar="JOB", help="the job's name in the workflow")
        parser.add_argument(
            "instance",
            metavar="INSTANCE",
            nargs="?",
            type=natural,
            help="which instance, from 0, of a job with a factory",
        )
        add_output_options(parser)


def execute(stream: str, arguments: argparse.Namespace, console: Console) -> int:
    """Print the stream to the standard output."""
    client = console.client()
    job_id = client.workflows.job_id(arguments.workflow, arguments.job, arguments.instance)
    return show(client, job_id, stream, arguments, console)
