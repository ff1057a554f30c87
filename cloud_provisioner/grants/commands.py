"""`prominence-admin grants`: what users have lent to the service, seen and changed by its administrator.

A refresh token comes from a file or the standard input, never from the command line, which others on the machine can read.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from database.errors import DatabaseError
from identity.claims import LARGEST_TOKEN
from identity.errors import IdentityError
from identity.grants.access import Grants
from identity.grants.errors import GrantUnavailable
from identity.grants.rows import Row
from identity.grants.settings import GrantSettings
from identity.grants.tables import SCHEMA
from identity.private_files import read_private

Subparsers = Any
"""What `ArgumentParser.add_subparsers` gives, whose type argparse keeps to itself."""


def add_commands(commands: Subparsers, settings: Callable[[], GrantSettings]) -> None:
    """Adds `grants` and its sub-commands; each sets `run`, which takes the arguments and gives an exit code.

    `settings` is asked when a command runs; what it raises is its caller's.
    """
    made = commands.add_parser("grants", help="rights that users lent to the service", description="Users' grants.")
    below = made.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listed = below.add_parser("list", help="list them", description="List users' grants.")
    put = below.add_parser(
        "put", help="store one", description="Store a user's refresh token, from a file or the standard input."
    )
    put.add_argument("issuer", metavar="ISSUER", help="the identity provider, as in the settings")
    put.add_argument("subject", metavar="SUBJECT", help="the user, as the provider's tokens name them (sub)")
    put.add_argument("--file", type=Path, metavar="FILE", help="file (0600) with the refresh token")
    drop = below.add_parser("drop", help="forget one", description="Forget a user's grant; the provider is not told.")
    drop.add_argument("owner", metavar="OWNER", help="the user's name in the pool (Owner), as `list` shows it")
    rotate = below.add_parser(
        "rotate", help="make a new key", description="Make a new key in the key file, and encrypt all grants with it."
    )
    migrate = below.add_parser(
        "migrate", help="prepare the database", description="Bring the table of grants to this program's revision."
    )
    for parser, run in ((listed, _list), (put, _put), (drop, _drop), (rotate, _rotate), (migrate, _migrate)):
        parser.set_defaults(run=_running(run, settings))


def _running(
    run: Callable[[Grants, argparse.Namespace], int], settings: Callable[[], GrantSettings]
) -> Callable[[argparse.Namespace], int]:
    def command(args: argparse.Namespace) -> int:
        try:
            with closing(Grants(settings())) as grants:
                return run(grants, args)
        except IdentityError as error:
            print(error.message, file=sys.stderr)
        except DatabaseError as error:
            print(error, error.detail, file=sys.stderr)
        except OSError as error:
            print(f"{error.filename or 'A file'} cannot be used: {error.strerror}.", file=sys.stderr)
        return 1

    return command


def _list(grants: Grants, _: argparse.Namespace) -> int:
    usable = grants.usable()
    rows: list[tuple[str, ...]] = [("OWNER", "STATE", "LAST USED", "SUBJECT", "ISSUER", "WHY")]
    rows += [_columns(row, usable) for row in grants.every()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _columns(row: Row, usable: frozenset[str]) -> tuple[str, ...]:
    unserved = row.state == "usable" and row.owner not in usable
    why = "its issuer is not in the settings" if unserved else row.why or ""
    return (row.owner, row.state, _time(row.refreshed), row.subject, row.issuer, why)


def _time(seconds: float | None) -> str:
    return "never" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _put(grants: Grants, args: argparse.Namespace) -> int:
    owner = grants.put(args.issuer, args.subject, _token(args.file))
    try:
        grants.access_token(owner, fresh=True)
    except GrantUnavailable as error:
        print(f"The grant of {owner} is stored, and could not be tried: {error.why}.")
    else:
        print(f"The grant of {owner} is stored, and usable.")
    return 0


def _token(file: Path | None) -> str:
    if file is not None:
        return read_private(file, "--file").decode("ascii", "replace").strip()
    if sys.stdin.isatty():
        return getpass.getpass("Refresh token: ").strip()
    return sys.stdin.read(LARGEST_TOKEN + 2).strip()


def _drop(grants: Grants, args: argparse.Namespace) -> int:
    if grants.drop(args.owner):
        print(f"The grant of {args.owner} is forgotten: servers made with it can only be deleted by others now.")
        return 0
    print(f"There is no grant of {args.owner}: see `prominence-admin grants list`.", file=sys.stderr)
    return 1


def _rotate(grants: Grants, _: argparse.Namespace) -> int:
    done, unreadable = grants.rotate()
    print(f"There is a new key; {done} grants are encrypted with it.")
    for owner in unreadable:
        print(f"The grant of {owner} cannot be decrypted: old keys are kept in the key file.", file=sys.stderr)
    return 1 if unreadable else 0


def _migrate(grants: Grants, _: argparse.Namespace) -> int:
    grants.database.migrate()
    print(f"The table of grants is at revision {SCHEMA.needed()}.")
    return 0
