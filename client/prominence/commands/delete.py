"""`prominence delete`: end jobs."""

from __future__ import annotations

import argparse

from prominence.commands.deleting import all_or_none
from prominence.commands.parsing import Commands
from prominence.console import Console
from prominence.values import positive


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add("delete", execute, summary="take jobs out of the queue, ending them if they run")
    parser.add_argument("jobs", metavar="ID", nargs="+", type=positive, help="the jobs' ids")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Delete the jobs."""
    ids = list(dict.fromkeys(arguments.jobs))
    with all_or_none(ids, console):
        console.client().delete_jobs(ids)
    console.say(*(f"Job {job_id} deleted" for job_id in ids))
    return 0
