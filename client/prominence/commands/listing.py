"""`prominence list`: many jobs, a line each."""

from __future__ import annotations

import argparse
import json

from prominence.commands.parsing import Commands
from prominence.console import Console
from prominence.render.table import job_table
from prominence.values import label, positive

FINISHED_SHOWN = 20
"""How many finished jobs a list shows where the user does not say: what a screen holds."""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add("list", execute, summary="list jobs, the active ones unless told otherwise")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--completed", action="store_true", help="finished jobs, the newest first")
    which.add_argument("--all", action="store_true", help="active and finished jobs, without a limit")
    parser.add_argument(
        "--num",
        metavar="N",
        type=positive,
        help=f"so many finished jobs (with --completed: {FINISHED_SHOWN})",
    )
    parser.add_argument("--status", choices=("idle", "running"), help="only active jobs in this state")
    parser.add_argument("--name", help="only jobs with this name")
    parser.add_argument("--label", metavar="KEY=VALUE", type=label, help="only jobs with this label")
    parser.add_argument("--json", action="store_true", help="print what the service answers")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Print the jobs."""
    jobs = console.client().list_jobs(
        completed=arguments.completed or (arguments.num is not None and not arguments.all),
        num=arguments.num or (FINISHED_SHOWN if arguments.completed else None),
        all=arguments.all,
        status=arguments.status,
        name=arguments.name,
        constraint=arguments.label,
    )
    if arguments.json:
        console.say(json.dumps(jobs, indent=2))
    else:
        console.say(*job_table(jobs, now=console.clock(), width=console.width()))
    return 0
