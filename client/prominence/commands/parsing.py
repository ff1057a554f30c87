"""The parser of the command line: help that reads well, and errors as one sentence."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from prominence.console import Console
from prominence.errors import InvalidInput
from prominence.values import label, positive

Execute = Callable[[argparse.Namespace, Console], int]
"""What a command does: returns the exit code."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are raised, as every other error, as one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise InvalidInput: the command line makes no sense."""
        raise InvalidInput(f"{message}. `{self.prog} --help` shows the usage.")


class Commands:
    """The commands below the top parser, to which each module adds its own."""

    def __init__(self, top: Parser, dest: str = "command") -> None:
        self._parsers = top.add_subparsers(
            title="commands", metavar="COMMAND", dest=dest, required=True, parser_class=Parser
        )

    def group(self, name: str, *, summary: str) -> Commands:
        """Add a word behind which there are commands of its own, and return these."""
        parser = self._parsers.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + ".", allow_abbrev=False
        )
        return Commands(parser, f"{name}_command")

    def add(self, name: str, execute: Execute, *, summary: str, details: str = "", usage: str | None = None) -> Parser:
        """Add a command with its one line of help, and `details` below its options in its own help."""
        parser = self._parsers.add_parser(
            name,
            help=summary,
            usage=usage,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=details or None,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(execute=execute)
        return parser


def add_workflow_id(parser: argparse.ArgumentParser) -> None:
    """Add the argument ID of one workflow, as `workflow`."""
    parser.add_argument("workflow", metavar="ID", type=positive, help="the workflow's id")


def add_list_options(parser: argparse.ArgumentParser, what: str, shown: int, states: Sequence[str]) -> None:
    """Add what says which of many to list; `shown` is how many finished ones where the user does not say, `states` are
    those that active ones may be in."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--completed", action="store_true", help=f"finished {what}, the newest first")
    which.add_argument("--all", action="store_true", help=f"active and finished {what}, without a limit")
    parser.add_argument(
        "--num", metavar="N", type=positive, help=f"so many finished {what} (with --completed: {shown})"
    )
    parser.add_argument("--status", choices=states, help=f"only active {what} in this state")
    parser.add_argument("--name", help=f"only {what} with this name")
    parser.add_argument("--label", metavar="KEY=VALUE", type=label, help=f"only {what} with this label")
    parser.add_argument("--json", action="store_true", help="print what the service answers")


def list_choice(arguments: argparse.Namespace, shown: int) -> dict[str, Any]:
    """Return what the options of `add_list_options` say, in the words of the library."""
    return {
        "completed": arguments.completed or (arguments.num is not None and not arguments.all),
        "num": arguments.num or (shown if arguments.completed else None),
        "all": arguments.all,
        "status": arguments.status,
        "name": arguments.name,
        "constraint": arguments.label,
    }


def add_job_id(parser: argparse.ArgumentParser) -> None:
    """Add the argument ID of one job, as `job`."""
    parser.add_argument("job", metavar="ID", type=positive, help="the job's id")
