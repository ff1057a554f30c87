"""What `run` and `create` share once they have a description: show it, or create the job and follow it."""

from __future__ import annotations

import argparse
import json
from functools import partial

from prominence.client import Client
from prominence.commands.following import Tail, follow
from prominence.console import Console
from prominence.jobs import Document, exit_code, summary

FIRST_NODE = 0
"""The node of a job whose output is shown while it is waited for."""


def add_submit_options(parser: argparse.ArgumentParser) -> None:
    """Add --dry-run, --wait and --quiet."""
    parser.add_argument("--dry-run", action="store_true", help="print the job's description as JSON and send nothing")
    parser.add_argument(
        "--wait", action="store_true", help="print the job's output until it has ended; exit as its tasks did"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print the job's id and nothing else")


def submit(description: Document, arguments: argparse.Namespace, console: Console) -> int:
    """Create the job as the options say and return the exit code."""
    if arguments.dry_run:
        console.say(json.dumps(description, indent=2))
        return 0
    client = console.client()
    job_id = client.create_job(description)
    if not arguments.wait:
        _announce(job_id, arguments, console)
        return 0
    try:
        _announce(job_id, arguments, console)
        return _until_ended(client, job_id, arguments.quiet, console)
    except KeyboardInterrupt:
        console.note(f"Job {job_id} goes on: `prominence delete {job_id}` ends it.")
        raise


def _announce(job_id: int, arguments: argparse.Namespace, console: Console) -> None:
    created = f"Job created with id {job_id}"
    if arguments.quiet:
        console.say(str(job_id))
    elif arguments.wait:
        console.note(created)
    else:
        console.say(created)


def _until_ended(client: Client, job_id: int, quiet: bool, console: Console) -> int:
    tails = [
        Tail(partial(client.stdout, job_id, FIRST_NODE), console.write),
        Tail(partial(client.stderr, job_id, FIRST_NODE), console.write_error),
    ]
    job = follow(client, job_id, [] if quiet else tails, console, created=True)
    if not quiet and (job["status"] != "completed" or exit_code(job) != 0):
        console.note(summary(job))
    return exit_code(job)
