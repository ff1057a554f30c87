"""What `run`, `create` and the repetition of workflows share: create what is described, or show it, and wait for its end."""

from __future__ import annotations

import argparse
import json
from functools import partial

from prominence.answers import Described
from prominence.client import Client
from prominence.commands.following import POLL, Tail, follow
from prominence.console import Console
from prominence.jobs import exit_code, summary, workflow_exit_code

FIRST_NODE = 0
"""The node of a job whose output is shown while it is waited for."""


def add_submit_options(parser: argparse.ArgumentParser) -> None:
    """Add --dry-run, --wait and --quiet."""
    parser.add_argument("--dry-run", action="store_true", help="print the description and send nothing")
    parser.add_argument(
        "--wait", action="store_true", help="print the job's output until it has ended; exit as its tasks did"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print the id and nothing else")


def add_wait_options(parser: argparse.ArgumentParser) -> None:
    """Add --wait and --quiet, for a workflow."""
    parser.add_argument("--wait", action="store_true", help="wait until the workflow has ended; exit as it did")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the id and nothing else")


def submit(description: Described, arguments: argparse.Namespace, console: Console) -> int:
    """Create the job as the options say and return the exit code."""
    if arguments.dry_run:
        return _show(description, console)
    client = console.client()
    job_id = client.create_job(description)
    if not arguments.wait:
        _announce("Job", job_id, arguments, console)
        return 0
    try:
        _announce("Job", job_id, arguments, console)
        return _until_ended(client, job_id, arguments.quiet, console)
    except KeyboardInterrupt:
        console.note(f"Job {job_id} goes on: `prominence delete {job_id}` ends it.")
        raise


def submit_workflow(description: Described, arguments: argparse.Namespace, console: Console) -> int:
    """Create the workflow as the options say and return the exit code."""
    if arguments.dry_run:
        return _show(description, console)
    client = console.client()
    return created_workflow(client, client.workflows.create(description), arguments, console)


def created_workflow(client: Client, workflow_id: int, arguments: argparse.Namespace, console: Console) -> int:
    """Say which workflow was created, wait for its end if the options say so, and return the exit code."""
    try:
        _announce("Workflow", workflow_id, arguments, console)
        if not arguments.wait:
            return 0
        workflow = client.workflows.wait(workflow_id, POLL, created=True, clock=console.monotonic, sleep=console.sleep)
    except KeyboardInterrupt:
        console.note(f"Workflow {workflow_id} goes on: `prominence workflow delete {workflow_id}` ends it.")
        raise
    if not arguments.quiet:
        console.note(summary(workflow, "Workflow"))
    return workflow_exit_code(workflow)


def _show(description: Described, console: Console) -> int:
    if isinstance(description, bytes):
        console.write(description)
    else:
        console.say(json.dumps(description, indent=2))
    return 0


def _announce(what: str, number: int, arguments: argparse.Namespace, console: Console) -> None:
    created = f"{what} created with id {number}"
    if arguments.quiet:
        console.say(str(number))
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
