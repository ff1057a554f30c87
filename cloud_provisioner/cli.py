"""The `prominence-admin` command: what admins of sites do, without a service."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cloud_provisioner.sites.base import ANY_VO, Site
from cloud_provisioner.sites.loading import load, secrets


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    made = argparse.ArgumentParser(prog="prominence-admin", description="For admins of sites.")
    commands = made.add_subparsers(title="commands", required=True, metavar="COMMAND")
    sites = commands.add_parser("sites", help="the clouds in which workers are made", description="Sites.")
    below = sites.add_subparsers(title="commands", required=True, metavar="COMMAND")
    validate = below.add_parser(
        "validate", help="check descriptions of sites", description="Check descriptions of sites; needs no service."
    )
    validate.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a description, or a folder of them")
    validate.set_defaults(run=_validate)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit code."""
    args = parser().parse_args(argv)
    code: int = args.run(args)
    return code


def _validate(args: argparse.Namespace) -> int:
    found = load(args.paths)
    problems = sorted({*found.problems, *secrets(found.sites, os.environ)})
    for problem in problems:
        print(problem, file=sys.stderr)
    for file, site in sorted(found.sites.items(), key=lambda one: one[1].name):
        print(_line(file, site))
    return int(any(not problem.note for problem in problems))


def _line(file: str, site: Site) -> str:
    vos = "all VOs" if ANY_VO in site.vos else f"{len(site.vos)} VO{'s' if len(site.vos) > 1 else ''}"
    return f"{site.name}: {site.driver}, {vos}{'' if site.enabled else ', not enabled'} ({file})"
