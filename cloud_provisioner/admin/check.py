"""`sites check`: one try of a site from end to end, beside the provisioner, which need not run."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from cloud_provisioner.admin.checking.description import Chosen, chosen
from cloud_provisioner.admin.checking.reading import Reading
from cloud_provisioner.admin.checking.report import Report
from cloud_provisioner.admin.checking.trial import ENDING, Trial
from cloud_provisioner.admin.ending import Ending, noticed
from cloud_provisioner.admin.lending import lending
from cloud_provisioner.admin.service import Service, opened, seconds

TIMEOUT = 1800.0
"""Seconds for boot, join and job together."""


def add(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "check",
        help="try a site from end to end",
        description="Try a site from end to end: read what there is, boot a server, run a job on it, delete it.",
    )
    parser.add_argument("name", metavar="NAME", help="the site's name")
    parser.add_argument("--vo", metavar="VO", help="for this VO, of several (the first by name)")
    parser.add_argument("--flavor", metavar="F", help="boot this flavor (the cheapest)")
    parser.add_argument(
        "--user", metavar="OWNER", help="with this user's grant, where the site works with users' rights"
    )
    parser.add_argument("--no-boot", action="store_true", help="make no server")
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=TIMEOUT,
        metavar="S",
        help=f"seconds until the job must have run ({TIMEOUT:g}); to delete the server there are {ENDING:g} more",
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    with opened(args) as service, lending(service.settings) as rights, noticed() as ending:
        report = Report(lambda line: print(line, flush=True), time.monotonic, ending.check)
        with report.step("description") as step:
            site = chosen(service, args.name, args.vo, args.user, rights)
            step.found = site.found
        if step.worked:
            try:
                _check(service, site, args, report, ending)
            finally:
                site.account.close()
    if report.failed:
        print(f"{args.name} does not work: {', '.join(report.failed)}.", file=sys.stderr)
    return int(bool(report.failed))


def _check(service: Service, site: Chosen, args: argparse.Namespace, report: Report, ending: Ending) -> None:
    reading = Reading(site.site, site.vo, site.account, service.settings.name, args.flavor, report)
    readable = reading.run(service.clock())
    if not args.no_boot:
        trial = Trial(service, site, report, args.timeout, ending.pause)
        if readable and reading.found is not None:
            trial.run(reading.found)
        else:
            trial.skip()
