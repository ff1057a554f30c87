"""`prominence exec`: a command inside of a running job."""

from __future__ import annotations

import argparse

from prominence.commands.parsing import Commands, add_job_id
from prominence.console import Console
from prominence.errors import InvalidInput
from prominence.jobs import as_shell
from prominence.values import seconds

DETAILS = """\
The command runs in the container of the task that runs now, in the job's directory, with the task's
environment. It is a program and its arguments; for a shell's features: prominence exec ID sh -c '...'.
Exits with the command's exit code.
"""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "exec",
        execute,
        summary="run a command in a running job",
        details=DETAILS,
        usage="prominence exec [--timeout S] ID COMMAND [ARGUMENT ...]",
    )
    parser.add_argument("--timeout", metavar="S", type=seconds, help="end the command after so many seconds")
    add_job_id(parser)
    parser.add_argument("words", metavar="COMMAND", nargs=argparse.REMAINDER, help="the program and its arguments")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command and print what it wrote."""
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        raise InvalidInput("Say which command: prominence exec ID COMMAND [ARGUMENT ...].")
    result = console.client().run_command(arguments.job, words, arguments.timeout)
    console.write(result.stdout.encode())
    console.write_error(result.stderr.encode())
    if result.truncated:
        console.note("The command wrote more than is kept: the rest is cut.")
    return 0 if result.exit_code == 0 else as_shell(result.exit_code)
