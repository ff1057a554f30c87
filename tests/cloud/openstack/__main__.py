"""A cloud by hand: `python -m tests.cloud.openstack start|stop|clean|show|trust FOLDER NUMBER`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from deploy.home import from_environment
from tests.cloud.openstack import people, processes
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.federation import Provider, trust
from tests.cloud.openstack.place import Place


def main() -> None:
    """Does what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.cloud.openstack", description=__doc__)
    parser.add_argument("command", choices=["start", "stop", "clean", "show", "trust"])
    parser.add_argument("folder", type=Path, help="where the cloud keeps its things")
    parser.add_argument("number", type=int, help="its network is 127.HIGH.LOW.0/24 of this number, 1024 to 65535")
    parser.add_argument("--issuer", help="trust: the provider of identities")
    parser.add_argument("--jwks", help="trust: address of its keys (default: ISSUER/jwks)")
    parser.add_argument("--audience", help="trust: what must be in the tokens' `aud` (default: it is not looked at)")
    parser.add_argument("--project", action="append", default=[], help="trust: ENTITLEMENT=PROJECT, the first a regex")
    given = parser.parse_args()
    place = Place(given.folder.absolute(), given.number)
    cloud = Cloud(place, from_environment(os.environ).cache)
    begun = time.monotonic()
    match given.command:
        case "start":
            cloud.start(_say)
            _say(f"the cloud runs after {time.monotonic() - begun:.1f} s")
            _show(place)
        case "stop":
            cloud.stop()
        case "clean":
            cloud.clean()
        case "show":
            _show(place)
        case "trust":
            provider = Provider(given.issuer, given.jwks or f"{given.issuer}/jwks", given.audience)
            trust(place, provider, dict(word.rsplit("=", 1) for word in given.project))


def _show(place: Place) -> None:
    known = people.credential(place)
    lines = {
        "running": ", ".join(processes.running(place)),
        "keystone": place.keystone,
        "keystone by TLS": f"{place.keystone_by_tls}  (CA {place.certificates / 'ca.pem'})",
        "user": f"{people.USER}, password {people.USER_PASSWORD}, projects {', '.join(people.PROJECTS)}",
        "application credential (biology)": f"id {known.id} secret {known.secret}",
        "logs": str(place.log),
    }
    for name, value in lines.items():
        print(f"{name:34} {value}")


def _say(text: str) -> None:
    print(f"[cloud] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
