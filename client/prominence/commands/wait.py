"""`prominence wait`: sleep until a job has ended."""

from __future__ import annotations

import argparse

from prominence.commands.parsing import Commands, add_job_id
from prominence.console import Console
from prominence.jobs import exit_code, summary
from prominence.values import seconds

DETAILS = """\
Exits with the exit code of the first failing task, 0 if there was none, 1 if the job failed, was
killed or deleted, and 124 if it had not ended in time.
"""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add("wait", execute, summary="wait until a job has ended", details=DETAILS)
    add_job_id(parser)
    parser.add_argument("--timeout", metavar="S", type=seconds, help="give up after so many seconds")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Wait, say how the job ended, and return what its tasks did."""
    job = console.client().wait(arguments.job, timeout=arguments.timeout, clock=console.monotonic, sleep=console.sleep)
    console.say(summary(job))
    return exit_code(job)
