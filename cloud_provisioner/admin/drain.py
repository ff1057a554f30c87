"""`drain`: asks the provisioner to give servers back when their jobs have ended, and waits until it has taken that up."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from cloud_provisioner.admin.errors import UnknownName
from cloud_provisioner.admin.servers import SHORT
from cloud_provisioner.admin.service import Service, opened, seconds
from cloud_provisioner.admin.tables import counted
from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.store.reader import Reader
from cloud_provisioner.store.wishes import Kind

_STEP = 0.25


def add(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "drain",
        help="give servers back when their jobs have ended",
        description="Have the provisioner give servers back when their jobs have ended; they take no new ones.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("server", nargs="?", metavar="SERVER", help="its uuid, or the first digits of it")
    what.add_argument("--site", metavar="SITE", help="all servers that this site has now")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until the provisioner has taken it up")
    parser.add_argument("--timeout", type=seconds, default=60, metavar="S", help="wait so many seconds at most (60)")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    with opened(args) as service:
        kind, what, says = _wanted(service, args.server, args.site)
        number = service.reader.wish(kind, what, service.clock())
        print(f"{says}.")
        silent = service.silence()
        if silent:
            print(f"{silent} It will be done then.", file=sys.stderr)
        if args.no_wait or silent:
            return int(not args.no_wait)
        if taken_up(service.reader, number, args.timeout, time.monotonic, time.sleep):
            print("The provisioner has taken it up: `prominence-admin servers` shows how far it is.")
            return 0
        silent = service.silence()
    if silent:
        # One that was killed counts as acting until its lease is over.
        print(f"{silent} It will be done then.", file=sys.stderr)
        return 1
    print(f"The provisioner has not taken it up within {args.timeout:g} s: its log says why.", file=sys.stderr)
    return 1


def _wanted(service: Service, server: str | None, site: str | None) -> tuple[Kind, str, str]:
    """What to ask for, and a phrase that says it. UnknownName."""
    intents = service.reader.intents()
    if site is None:
        intent = one_of(intents, server or "")
        return Kind.DRAIN_SERVER, intent.uuid, f"Server {intent.uuid} at {intent.site} is to be given back"
    here = [intent for intent in intents if cloud_of(intent.site) == site]
    known = {cloud_of(intent.site) for intent in intents} | {one.name for one in service.described().sites.values()}
    if site not in known:
        raise UnknownName("site", site, sorted(known))
    return Kind.DRAIN_SITE, site, f"What {site} has now, {counted(len(here), 'server')}, is to be given back"


def one_of(intents: Iterable[Intent], prefix: str) -> Intent:
    """The server whose uuid begins like this; dashes do not count. UnknownName where there is none, or are several."""
    intents = list(intents)
    wanted = prefix.replace("-", "").lower()
    found = [intent for intent in intents if wanted and intent.uuid.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownName("server", prefix, [intent.uuid for intent in found], several=True)
    raise UnknownName("server", prefix, [intent.uuid[:SHORT] for intent in intents])


def taken_up(
    reader: Reader, number: int, patience: float, ticks: Callable[[], float], sleep: Callable[[float], None]
) -> bool:
    """Whether a wish was taken up within `patience` seconds."""
    deadline = ticks() + patience
    while True:
        wish = reader.wished(number)
        if wish is None or wish.done_at is not None:
            return True
        if ticks() > deadline:
            return False
        sleep(_STEP)
