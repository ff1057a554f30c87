"""`sites validate`: descriptions are read as the provisioner would read them. Needs no service."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from cloud_provisioner.admin.tables import counted
from cloud_provisioner.sites.base import ANY_VO, Site
from cloud_provisioner.sites.loading import load, secrets


def add(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "validate", help="check descriptions of sites", description="Check descriptions of sites; needs no service."
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a description, or a folder of them")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    found = load(args.paths)
    problems = sorted({*found.problems, *secrets(found, os.environ)})
    for problem in problems:
        print(problem, file=sys.stderr)
    for file, site in sorted(found.sites.items(), key=lambda one: one[1].name):
        print(_line(file, site))
    return int(any(not problem.note for problem in problems))


def _line(file: str, site: Site) -> str:
    vos = "all VOs" if ANY_VO in site.vos else counted(len(site.vos), "VO")
    return f"{site.name}: {site.driver}, {vos}{'' if site.enabled else ', not enabled'} ({file})"
