"""The `prominence` command: from the command line to an exit code.

No error leaves as a traceback: each becomes `prominence: <sentence>` on the standard error and one of the
exit codes below.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from prominence.commands import REGISTER
from prominence.commands.parsing import Commands, Parser
from prominence.console import Console
from prominence.errors import (
    Error,
    InvalidInput,
    NotAuthenticated,
    StillActive,
    Unavailable,
    Unreachable,
    WorkflowStillActive,
)
from prominence.version import __version__

EXIT_CODES: tuple[tuple[type[Error], int], ...] = (
    (InvalidInput, 2),
    (NotAuthenticated, 3),
    (Unavailable, 4),
    (Unreachable, 4),
    (StillActive, 124),
    (WorkflowStillActive, 124),
    (Error, 1),
)
"""The first class that fits gives the exit code."""

INTERRUPTED = 130
BROKEN_PIPE = 141

DETAILS = """\
environment:
  PROMINENCE_URL     the address of the service, for example https://prominence.example.org
  PROMINENCE_TOKEN   your access token

exit codes:
  0  done         1  refused, or the job failed      2  wrong usage
  3  not signed in (PROMINENCE_TOKEN)                4  the service cannot be reached now
  `wait` and `--wait` exit as the job's first failing task did, for a workflow with 0 or 1;
  124: not ended in time

examples:
  prominence run --wait busybox echo hello
  id=$(prominence run -q --cpus 4 --memory 8 python:3.12 python fit.py)
  prominence stdout --follow $id
  prominence list --completed --num 5
  id=$(prominence create -q workflow.yaml) && prominence workflow wait $id
"""


def parser() -> Parser:
    """Return the parser of the whole command line; a command stands in `execute`."""
    top = Parser(
        prog="prominence",
        description="Run containerised jobs through PROMINENCE.",
        epilog=DETAILS,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"prominence {__version__}")
    commands = Commands(top)
    for register in REGISTER:
        register(commands)
    return top


def main(argv: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run one command line (default: the process's own) and return its exit code.

    Leaves by SystemExit after --help and --version.
    """
    console = console or Console()
    try:
        arguments = parser().parse_args(argv)
        code: int = arguments.execute(arguments, console)
    except Error as error:
        console.note(error.message)
        return next(code for kind, code in EXIT_CODES if isinstance(error, kind))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_stdout()
        return BROKEN_PIPE
    except OSError as error:
        _drop_stdout()
        console.note(f"Cannot write the output: {error.strerror or error}.")
        return 1
    return code


def _drop_stdout() -> None:
    """Let what is still buffered go nowhere: the interpreter would complain about it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
