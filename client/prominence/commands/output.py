"""`prominence stdout` and `prominence stderr`: what a job has written, byte for byte."""

from __future__ import annotations

import argparse
from functools import partial

from prominence.client import Client
from prominence.commands.following import Tail, follow
from prominence.commands.parsing import Commands, add_job_id
from prominence.commands.streamed import follow_stream
from prominence.console import Console
from prominence.values import natural


def register(commands: Commands) -> None:
    """Add both commands."""
    for stream, words in (("stdout", "standard output"), ("stderr", "standard error")):
        parser = commands.add(
            stream,
            partial(execute, stream),
            summary=f"print the {words} of a job, also while it runs",
        )
        add_job_id(parser)
        add_output_options(parser)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add --node and --follow."""
    parser.add_argument("--node", metavar="N", type=natural, default=0, help="of which node (0, the first)")
    parser.add_argument("-f", "--follow", action="store_true", help="print what comes until the job has ended")


def execute(stream: str, arguments: argparse.Namespace, console: Console) -> int:
    """Print the stream to the standard output."""
    return show(console.client(), arguments.job, stream, arguments, console)


def show(client: Client, job_id: int, stream: str, arguments: argparse.Namespace, console: Console) -> int:
    """Print the stream of a job as the options of `add_output_options` say."""
    read = partial(client.stdout if stream == "stdout" else client.stderr, job_id, arguments.node)
    if arguments.follow and arguments.node == 0 and follow_stream(client, job_id, stream, console):
        return 0
    if arguments.follow:
        follow(client, job_id, [Tail(read, console.write)], console, must_exist=True)
    else:
        console.write(read(0))
    return 0
