"""All places at work: made as descriptions come, kept for as long as one of their servers is there."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cloud_provisioner import drivers
from cloud_provisioner.daemon.place import Pace, Place, Threads
from cloud_provisioner.daemon.places import Use, place, place_names
from cloud_provisioner.drivers.contract import Credential, DriverModule
from cloud_provisioner.planning.places import Site, cloud_of
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.sites import base


def driver_of(site: base.Site) -> DriverModule:
    """The calls of a site's driver."""
    module: DriverModule = importlib.import_module(f"{drivers.__name__}.{site.driver}.calls")
    return module


@dataclass
class Clouds:
    """Places by name. One whose description has gone stays, for its servers to be deleted, and takes no new ones."""

    environ: Mapping[str, str]
    credential_of: Callable[[str], Credential]
    """The rights of a user, by HTCondor's Owner."""
    pace: Pace = field(default_factory=Pace)
    driver_of: Callable[[base.Site], DriverModule] = driver_of
    threads: Threads = ThreadPoolExecutor
    steady: Callable[[], float] = time.monotonic
    """Seconds of a clock that is never set."""

    def __post_init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._current: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Place]:
        return iter(tuple(self._places.values()))

    def get(self, name: str) -> Place | None:
        """The place of this name, None where nothing is known of it."""
        return self._places.get(name)

    def takes_servers(self, name: str) -> bool:
        """Whether new servers may be made there: it is described, and not switched off."""
        place = self._places.get(name)
        return place is not None and self.described(name) and place.site.enabled

    def described(self, name: str) -> bool:
        """Whether a description in force has this place."""
        return name in self._current

    def refresh(self, sites: Iterable[base.Site], intents: Iterable[Intent]) -> None:
        """Takes the descriptions in force. A place whose description has changed begins anew, but for its calls."""
        wanted: dict[str, tuple[base.Site, tuple[str, ...]]] = {}
        for site in sites:
            for name, vos in place_names(site, self.driver_of(site).accounts(site)).items():
                wanted[name] = (site, vos)
        for name, (site, vos) in wanted.items():
            old = self._places.get(name)
            if old is not None and old.site == site:
                continue
            driver, lent = self.driver_of(site), self.credential_of
            new = self._places[name] = Place(
                name, site, vos, driver, self.environ, lent, self.pace, threads=self.threads, steady=self.steady
            )
            if old is not None:
                old.hand_over(new)
        needed = {intent.site for intent in intents}
        for name in self._places.keys() - wanted.keys() - needed:
            self._places.pop(name).close()
        self._current = frozenset(wanted)

    def planned(self, intents: Iterable[Intent], lenders: frozenset[str], now: float) -> list[Site]:
        """The places as the planner sees them; `lenders` are the users whose own rights can be used now."""
        by_place: dict[str, list[Intent]] = {}
        for intent in intents:
            by_place.setdefault(intent.site, []).append(intent)
        uses = {name: Use.of(there) for name, there in by_place.items()}
        found = []
        for one in self._places.values():
            if one.name in self._current:
                cloud = cloud_of(one.name)
                others = (use for name, use in uses.items() if name != one.name and cloud_of(name) == cloud)
                grants = lenders if one.per_user else None
                found.append(place(one.name, one.site, one.vos, one.known, Use.together(others), grants, now))
        return found

    def close(self) -> None:
        """Ends all of them."""
        for one in self._places.values():
            one.close()
