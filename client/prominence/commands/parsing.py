"""The parser of the command line: help that reads well, and errors as one sentence."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

from prominence.console import Console
from prominence.errors import InvalidInput
from prominence.values import positive

Execute = Callable[[argparse.Namespace, Console], int]
"""What a command does: returns the exit code."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are raised, as every other error, as one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise InvalidInput: the command line makes no sense."""
        raise InvalidInput(f"{message}. `{self.prog} --help` shows the usage.")


class Commands:
    """The commands below the top parser, to which each module adds its own."""

    def __init__(self, top: Parser) -> None:
        self._parsers = top.add_subparsers(
            title="commands", metavar="COMMAND", dest="command", required=True, parser_class=Parser
        )

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


def add_job_id(parser: argparse.ArgumentParser) -> None:
    """Add the argument ID of one job, as `job`."""
    parser.add_argument("job", metavar="ID", type=positive, help="the job's id")
