"""The `prominence-admin` command: what admins of sites and of the service do. Each command is a module of `admin`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cloud_provisioner.admin import check, drain, running, servers, service, sites, validate, why
from cloud_provisioner.errors import ProvisionerError
from cloud_provisioner.grants.commands import add_commands as add_grants
from database.errors import DatabaseError
from identity.errors import IdentityError
from identity.grants.settings import GrantSettings

INTERRUPTED = 130


def parser(grants: Callable[[], GrantSettings] | None = None) -> argparse.ArgumentParser:
    """The command's arguments. `grants` gives the settings of users' grants, when a command needs them."""
    made = argparse.ArgumentParser(prog="prominence-admin", description="For admins of sites and of the service.")
    made.add_argument(
        "--settings", type=Path, metavar="FILE", help=f"the provisioner's settings (else by {service.VARIABLE})"
    )
    commands = made.add_subparsers(title="commands", required=True, metavar="COMMAND")
    found = commands.add_parser(
        "sites", help="the clouds in which workers are made", description="List sites with how they do."
    )
    sites.add(found)
    below = found.add_subparsers(title="commands", metavar="COMMAND")
    validate.add(below)
    check.add(below)
    servers.add(commands)
    drain.add(commands)
    why.add(commands)
    running.add(commands)
    add_grants(commands, grants or (lambda: service.grant_settings(argparse.Namespace(settings=None))))
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit code; what goes wrong is a sentence on the standard error."""
    made = parser(lambda: service.grant_settings(args))
    args = made.parse_args(argv)
    try:
        code: int = args.run(args)
    except (ProvisionerError, IdentityError) as error:
        print(error, file=sys.stderr)
        return 1
    except DatabaseError as error:
        print(error.told, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return code
