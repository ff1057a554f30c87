"""`prominence events`: what happened to a job, a line each."""

from __future__ import annotations

import argparse
import json

from prominence.commands.parsing import Commands, add_job_id
from prominence.console import Console
from prominence.jobs import Document
from prominence.render.text import local_time, printable


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add("events", execute, summary="show what happened to a job, and when")
    add_job_id(parser)
    parser.add_argument("--json", action="store_true", help="print what the service answers")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Print the events."""
    events = console.client().job_events(arguments.job)
    if arguments.json:
        console.say(json.dumps(events, indent=2))
    else:
        console.say(*(line(event) for event in events))
    return 0


def line(event: Document) -> str:
    """Return one event as a line: time, name, and the details as `name=value`."""
    details = [f"{name}={value}" for name, value in event.items() if name not in ("time", "event")]
    return printable("  ".join([local_time(event["time"]), f"{event['event']:<14}", *details]).rstrip())
