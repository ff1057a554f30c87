"""`sites`: each place with how it does, as the provisioner that acts has published it, beside what its file says now."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cloud_provisioner.admin.service import Service, opened
from cloud_provisioner.admin.tables import gigabytes, moment, printable, share, table
from cloud_provisioner.sites.base import ANY_VO, Site
from cloud_provisioner.sites.problem import Problem
from cloud_provisioner.store.health import SiteHealth

_HEADERS = (
    "SITE",
    "DRIVER",
    "VOS",
    "TIER",
    "PRIORITY",
    "ENABLED",
    "OURS",
    "SERVERS",
    "CORES",
    "MEMORY GB",
    "FLAVORS",
    "STATE",
)
_NUMBERS = ("TIER", "PRIORITY", "OURS", "SERVERS", "CORES", "MEMORY GB", "FLAVORS")
_NOT_SEEN = "-"


@dataclass(frozen=True)
class Standing:
    """One place: its description, None where that has gone, and what was published of it, None where nothing was."""

    place: str
    site: Site | None
    health: SiteHealth | None


def add(parser: argparse.ArgumentParser) -> None:
    """Adds what `sites` takes without a sub-command."""
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    with opened(args) as service:
        found = service.described()
        there = standings(found.sites.values(), service.reader.sites())
        if args.json:
            print(json.dumps(document(service, there, found.problems), indent=1))
            return 0
        silent, now = service.silence(), service.clock()
    if silent:
        print(
            f"{silent} What stands here was so when it last did.\n"
            if any(one.health for one in there)
            else f"{silent}\n"
        )
    print("\n".join(shown(there, found.problems, now)))
    return 0


def standings(sites: Iterable[Site], healths: Iterable[SiteHealth]) -> list[Standing]:
    """All places by name: those that were published, and a place each for sites of which nothing was."""
    described = {site.name: site for site in sites}
    found = [Standing(health.place, described.get(health.site), health) for health in healths]
    seen = {one.health.site for one in found if one.health}
    found += [Standing(name, site, None) for name, site in described.items() if name not in seen]
    return sorted(found, key=lambda one: one.place)


def shown(there: Iterable[Standing], problems: Iterable[Problem], now: float) -> list[str]:
    """The table, then a line for each trouble, each note and each problem of a file."""
    there = list(there)
    rows = [_row(one) for one in there]
    lines = table(_HEADERS, rows, right=_NUMBERS) if rows else ["No site is described."]
    troubles = [
        f"{one.place}: since {moment(one.health.since, now)}: {printable(one.health.trouble)}"
        for one in there
        if one.health and one.health.trouble
    ]
    notes = [f"{one.place}: note: {printable(note)}" for one in there if one.health for note in one.health.notes]
    for block in (troubles, notes, [str(problem) for problem in problems]):
        if block:
            lines += ["", *block]
    return lines


def _row(one: Standing) -> list[str]:
    site, health = one.site, one.health
    described = [_NOT_SEEN] * 5
    if site is not None:
        vos = "all" if ANY_VO in site.vos else str(len(site.vos))
        described = [site.driver, vos, str(site.tier), str(site.priority), "yes" if site.enabled else "no"]
    if health is None:
        return [one.place, *described, *[_NOT_SEEN] * 5, "not seen yet"]
    limits = health.limits
    return [
        one.place,
        *described,
        str(health.servers),
        share(health.used_servers, limits.servers),
        share(health.used.cpus, limits.cores),
        share(gigabytes(health.used.memory), None if limits.memory is None else gigabytes(limits.memory)),
        str(health.flavors),
        _state(site, health),
    ]


def _state(site: Site | None, health: SiteHealth) -> str:
    if site is not None and not site.enabled:
        return "off"
    return "trouble" if health.trouble else "ok"


def document(service: Service, there: Iterable[Standing], problems: Iterable[Problem]) -> dict[str, Any]:
    """The same for programs: times in epoch seconds, memory in MB; null where a thing is not known or has no limit."""
    holding = service.reader.lease(service.settings.name)
    acting = holding is not None and holding.until > service.clock()
    return {
        "acting": holding.holder if holding is not None and acting else None,
        "sites": [_entry(one) for one in there],
        "problems": [
            {"file": one.file, "line": one.line, "key": one.key, "sentence": one.sentence, "note": one.note}
            for one in problems
        ],
    }


def _entry(one: Standing) -> dict[str, Any]:
    site, health = one.site, one.health
    entry: dict[str, Any] = {"place": one.place, "site": health.site if health else one.place, "described": None}
    if site is not None:
        entry["described"] = {
            "driver": site.driver,
            "region": site.region,
            "vos": sorted(site.vos),
            "tier": site.tier,
            "priority": site.priority,
            "enabled": site.enabled,
        }
    entry["health"] = _health(health) if health else None
    return entry


def _health(health: SiteHealth) -> Mapping[str, Any]:
    limits = health.limits
    return {
        "at": health.at,
        "ok": not health.trouble,
        "since": health.since,
        "trouble": health.trouble,
        "ourServers": health.servers,
        "flavors": health.flavors,
        "used": {"servers": health.used_servers, "cores": health.used.cpus, "memory": health.used.memory},
        "limits": {"servers": limits.servers, "cores": limits.cores, "memory": limits.memory},
        "listSeconds": health.list_seconds,
        "notes": list(health.notes),
    }
