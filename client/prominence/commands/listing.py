"""`prominence list`: many jobs, a line each."""

from __future__ import annotations

import argparse
import json

from prominence.commands.parsing import Commands, add_list_options, list_choice
from prominence.console import Console
from prominence.render.table import job_table
from prominence.values import positive

FINISHED_SHOWN = 20
"""How many finished jobs a list shows where the user does not say: what a screen holds."""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add("list", execute, summary="list jobs, the active ones unless told otherwise")
    add_list_options(parser, "jobs", FINISHED_SHOWN, ("idle", "deploying", "running"))
    parser.add_argument("--workflow", metavar="ID", type=positive, help="the jobs of this workflow")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Print the jobs."""
    jobs = console.client().list_jobs(**list_choice(arguments, FINISHED_SHOWN), workflow=arguments.workflow)
    if arguments.json:
        console.say(json.dumps(jobs, indent=2))
    else:
        console.say(*job_table(jobs, now=console.clock(), width=console.width()))
    return 0
