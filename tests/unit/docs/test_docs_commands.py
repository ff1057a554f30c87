"""Every command and every option is documented, and nothing else."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prominence.cli import parser as client_parser

from cloud_provisioner.cli import parser as admin_parser
from deploy.cli import _parser as quickstart_parser
from deploy.worker_image import parser as image_parser
from tests.unit.docs.reference import ROOT, compare, headings, names

FILE = "commands.md"


def parsers(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """A parser and those of its sub-commands, with what is typed to reach each."""
    yield top.prog, top
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                for words, found in parsers(below):
                    yield f"{top.prog} {name}{words.removeprefix(below.prog)}", found


def arguments(parser: argparse.ArgumentParser) -> list[str]:
    """What may follow a command: its options, and its positional arguments by the names that its help shows."""
    found: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        found += action.option_strings or [str(action.metavar or action.dest)]
    return found


ALL = [*parsers(client_parser()), *parsers(admin_parser()), *parsers(quickstart_parser()), *parsers(image_parser())]


@pytest.mark.parametrize(("command", "parser"), ALL, ids=[command for command, _ in ALL])
def test_every_option_of_a_command_is_documented(command: str, parser: argparse.ArgumentParser) -> None:
    there = arguments(parser)
    assert command in headings(FILE), f"docs/reference/{FILE} has no heading for {command}"
    if there:
        compare(f"{FILE}, {command}", [name.split()[0] for name in names(FILE, command)], there)


def test_no_command_is_documented_that_is_gone() -> None:
    programs = {command.split()[0] for command, _ in ALL}
    documented = [heading for heading in headings(FILE) if heading.split()[0] in programs]
    compare(FILE, documented, [command for command, _ in ALL])


PROGRAMS = sorted(file.parent.relative_to(ROOT) for file in (ROOT / "api").rglob("__main__.py"))


@pytest.mark.parametrize("folder", PROGRAMS, ids=str)
def test_every_word_of_an_operators_program_is_documented(folder: Path) -> None:
    """A program is asked for its help, since its parser is its own."""
    program = f"python -m {'.'.join(folder.parts)}"
    done = subprocess.run(
        [sys.executable, *program.split()[1:], "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    usage = done.stdout.split("\n\n")[0]
    there = set(re.findall(r"--[a-z-]+", done.stdout)) - {"--help"}
    there |= {word for choice in re.findall(r"\{([^}]*)\}", usage) for word in choice.split(",")}
    compare(f"{FILE}, {program}", [name.split()[0] for name in names(FILE, program)], there)
