"""`prominence describe`: all about one job."""

from __future__ import annotations

import argparse
import json

from prominence.commands.parsing import Commands, add_job_id
from prominence.console import Console
from prominence.render.outline import job_outline


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add("describe", execute, summary="show all about one job")
    add_job_id(parser)
    parser.add_argument("--json", action="store_true", help="print what the service answers")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Print the job."""
    job = console.client().describe_job(arguments.job)
    if arguments.json:
        console.say(json.dumps(job, indent=2))
    else:
        console.say(*job_outline(job))
    return 0
