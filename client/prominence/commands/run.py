"""`prominence run`: a job with one task, described by options."""

from __future__ import annotations

import argparse

from prominence.commands.parsing import Commands
from prominence.commands.submitting import add_submit_options, submit
from prominence.console import Console
from prominence.descriptions import input_files, one_task_job
from prominence.values import gigabytes, minutes, natural, pair, positive

DETAILS = """\
Options stand before IMAGE: all that follows it belongs to the command in the container, which
is run as it stands, without a shell (for one: sh -c '...').

examples:
  prominence run busybox echo hello
  prominence run --wait --cpus 4 --memory 8 --walltime 2h docker://python:3.12 python -c 'print(6*7)'
  prominence run --input fit.py --env SEED=7 --label study=a1 python:3.12 python fit.py
"""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "run",
        execute,
        summary="run a command in a container",
        details=DETAILS,
        usage="prominence run [options] IMAGE [CMD ...]",
    )
    parser.add_argument("image", metavar="IMAGE", help="the container image: a name, a URL or a path")
    parser.add_argument("cmd", metavar="CMD", nargs=argparse.REMAINDER, help="the command; without it the image's own")
    _add_resources(parser)
    _add_task(parser)
    add_submit_options(parser)


def _add_resources(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("resources")
    group.add_argument("--cpus", metavar="N", type=positive, default=1, help="cores on each node (1)")
    group.add_argument("--memory", metavar="GB", type=gigabytes, default=1, help="memory of each node in GB (1)")
    group.add_argument("--disk", metavar="GB", type=positive, help="disk of each node in GB (the service's: 10)")
    group.add_argument("--walltime", metavar="TIME", type=minutes, help="longest run: minutes, or 90m, 2h, 1d (12h)")
    group.add_argument("--nodes", metavar="N", type=positive, default=1, help="nodes (1)")


def _add_task(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("job")
    group.add_argument("--name", help="a name to find the job by")
    group.add_argument(
        "--label", metavar="KEY=VALUE", type=pair, action="append", default=[], help="a label (repeatable)"
    )
    group.add_argument(
        "--env", metavar="NAME=VALUE", type=pair, action="append", default=[], help="a variable (repeatable)"
    )
    group.add_argument(
        "--input",
        metavar="FILE",
        action="append",
        default=[],
        help="a file of at most 1 MB for the job's working directory (repeatable)",
    )
    group.add_argument("--workdir", metavar="DIR", help="the directory in the container to run in")
    group.add_argument("--runtime", choices=("singularity", "udocker"), help="the container runtime")
    group.add_argument("--retries", metavar="N", type=natural, help="how often to run a failed job again (0)")


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Create the job and return the exit code."""
    words = arguments.cmd[1:] if arguments.cmd[:1] == ["--"] else arguments.cmd
    description = one_task_job(
        arguments.image,
        words,
        resources={key: getattr(arguments, key) for key in ("nodes", "cpus", "memory", "disk", "walltime")},
        name=arguments.name,
        env=dict(arguments.env),
        labels=dict(arguments.label),
        inputs=input_files(arguments.input),
        workdir=arguments.workdir,
        runtime=arguments.runtime,
        retries=arguments.retries,
    )
    return submit(description, arguments, console)
