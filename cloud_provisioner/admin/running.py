"""`run` and `migrate`: the service itself, for whatever starts it."""

from __future__ import annotations

import argparse
import os
from typing import Any

from cloud_provisioner.admin.pool import VARIABLE
from cloud_provisioner.admin.service import settings_of
from cloud_provisioner.settings import SettingsUnusable, shown
from cloud_provisioner.store.schema import migrate


def add(commands: Any) -> None:
    """Adds both commands."""
    run = commands.add_parser(
        "run",
        help="run the provisioner until it is told to stop",
        description="Run the provisioner until SIGTERM or SIGINT. "
        f"It needs HTCondor's configuration of a client in {VARIABLE}.",
    )
    run.add_argument("--show-config", action="store_true", help="print the settings with their sources, and end")
    run.set_defaults(run=_run)
    migrating = commands.add_parser(
        "migrate",
        help="bring the tables of the database to this program's revision",
        description="Bring the tables of the database to this program's revision, and print which that is. Safe to repeat.",
    )
    migrating.set_defaults(run=_migrate)


def _run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    if args.show_config:
        print(shown(settings))
        return 0
    if not os.environ.get(VARIABLE):
        # It would take the lease from one that could act, and see no pool.
        raise SettingsUnusable(
            f"{VARIABLE} is not set: name HTCondor's configuration of a client of the pool there (docs/provisioner.md)."
        )
    # Not above: whoever only looks at sites needs none of it.
    from cloud_provisioner.daemon.running import run

    run(settings, os.environ)
    return 0


def _migrate(args: argparse.Namespace) -> int:
    print(migrate(settings_of(args).database.get_secret_value()))
    return 0
