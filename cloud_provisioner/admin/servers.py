"""`servers`: every server that has a record, with what becomes of it."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Collection, Iterable
from typing import Any

from cloud_provisioner.admin.lending import lending, users_places
from cloud_provisioner.admin.pool import asking, connected
from cloud_provisioner.admin.service import Service, opened
from cloud_provisioner.admin.tables import table
from cloud_provisioner.errors import PoolSilent
from cloud_provisioner.grants.undeletable import undeletable
from cloud_provisioner.observing.workers import seen
from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.planning.reasons import duration
from cloud_provisioner.servers.record import ANYONE, Binding, Intent, Purpose
from cloud_provisioner.servers.views import PoolView

SHORT = 8
"""Digits of a uuid that are shown; as many more as it takes to tell servers apart."""
_HEADERS = ("SERVER", "SITE", "FLAVOR", "STATE", "FOR", "JOBS", "WHOSE", "CLOUD ID", "NOTE")
_UNWANTED = "to be given back"
_STUCK = "nobody may delete it any more"
_HOMELESS = "no file describes its site"


def add(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser("servers", help="the servers there are", description="List servers, by site and age.")
    parser.add_argument("--site", metavar="SITE", help="only those of this site")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    with opened(args) as service:
        intents = [one for one in service.reader.intents() if args.site in (None, one.site, cloud_of(one.site))]
        stuck = _stuck(service, intents)
        described = {site.name for site in service.described().sites.values()}
        homeless = frozenset(one.uuid for one in intents if cloud_of(one.site) not in described)
        pool = _pool(service) if intents else None
        silent, now = service.silence(), service.clock()
    if args.json:
        print(json.dumps([entry(intent, pool, stuck) for intent in intents], indent=1))
        return 0
    if silent:
        print(f"{silent}\n")
    print("\n".join(shown(intents, pool, stuck, now, homeless)))
    return 0


def _pool(service: Service) -> PoolView | None:
    try:
        now = service.clock()
        head = connected(service.settings.pool.schedd, service.environ)
        with asking():
            found = head.collected(now)
        return seen(found.slots, found.up_since, now)[0]
    except PoolSilent as error:
        print(f"What runs on them is not known: {error}", file=sys.stderr)
        return None


def _stuck(service: Service, intents: Collection[Intent]) -> frozenset[str]:
    """The uuids of servers that can no longer be deleted."""
    sites = service.described().sites.values()
    lent = users_places(site for site in sites if any(cloud_of(one.site) == site.name for one in intents))
    if not lent:
        return frozenset()
    with lending(service.settings) as rights:
        return frozenset(one.uuid for one in undeletable(intents, rights.lenders(), lent))


def shown(
    intents: Collection[Intent],
    pool: PoolView | None,
    stuck: Collection[str],
    now: float,
    homeless: Collection[str] = (),
) -> list[str]:
    """The table. `pool`: None where it is not known; `homeless`: the uuids of those whose site is described no more."""
    if not intents:
        return ["There are no servers."]
    digits = told_apart(intent.uuid for intent in intents)
    rows = [
        (
            intent.uuid[:digits],
            intent.site,
            intent.flavor,
            intent.state.value,
            duration(max(0.0, now - intent.since)),
            _jobs(intent, pool),
            whose(intent.binding, intent.purpose),
            intent.cloud_id or "-",
            "; ".join([*_notes(intent, stuck), *([_HOMELESS] if intent.uuid in homeless else [])]),
        )
        for intent in intents
    ]
    return table(_HEADERS, rows, right=("JOBS",))


def told_apart(uuids: Iterable[str]) -> int:
    """How many digits of these it takes to tell them apart, SHORT at least."""
    ordered = sorted(uuids)
    digits = SHORT
    for one, other in itertools.pairwise(ordered):
        while one != other and one[:digits] == other[:digits]:
            digits += 1
    return digits


def whose(binding: Binding, purpose: Purpose) -> str:
    """Whose jobs a server may run, in words."""
    words = "everybody's"
    if binding != ANYONE:
        words = " in ".join(part for part in (binding.user, binding.vo and f"VO {binding.vo}") if part)
    return f"{words}, one at a time" if purpose is Purpose.OWN else words


def _jobs(intent: Intent, pool: PoolView | None) -> str:
    worker = pool.workers.get(intent.uuid) if pool else None
    return "-" if worker is None else str(worker.jobs)


def _notes(intent: Intent, stuck: Collection[str]) -> list[str]:
    notes = ["preemptible"] if intent.preemptible else []
    notes += [_UNWANTED] if intent.unwanted else []
    return notes + ([_STUCK] if intent.uuid in stuck else [])


def entry(intent: Intent, pool: PoolView | None, stuck: Collection[str]) -> dict[str, Any]:
    """The same for programs: times in epoch seconds, memory and disk in MB; null where a thing is not known."""
    worker = pool.workers.get(intent.uuid) if pool else None
    return {
        "uuid": intent.uuid,
        "place": intent.site,
        "site": cloud_of(intent.site),
        "flavor": intent.flavor,
        "size": intent.size._asdict(),
        "state": intent.state.value,
        "since": intent.since,
        "made": intent.made_at,
        "user": intent.binding.user,
        "vo": intent.binding.vo,
        "purpose": intent.purpose.value,
        "preemptible": intent.preemptible,
        "cloudId": intent.cloud_id,
        "jobs": worker.jobs if worker else None,
        "draining": worker.draining if worker else None,
        "unwanted": intent.unwanted,
        "undeletable": intent.uuid in stuck,
    }
