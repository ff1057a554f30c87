"""What earlier boots taught: measured times, failures, and how long to keep away. Values; every change is a new one.

Failures during a back-off are of the same wave and do not lengthen it. After it, one server is tried (the probe); only
when it succeeds is the trouble forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cloud_provisioner.amounts import Amount
from cloud_provisioner.servers.failures import Failure

_WEIGHT = 0.3
"""Of the newest measurement in a moving average."""
_BACK_OFF = {
    Failure.AUTH: (60.0, 1800.0),
    Failure.QUOTA: (60.0, 600.0),
    Failure.CAPACITY: (60.0, 900.0),
    Failure.BAD_REQUEST: (300.0, 3600.0),
    Failure.BUSY: (5.0, 120.0),
    Failure.BOOT: (60.0, 1800.0),
    Failure.LOST: (30.0, 600.0),
}
"""Seconds after the first failure, and at most; doubled from wave to wave."""
ROOM_LASTS = 24 * 3600.0
"""Seconds for which a worker with less room than promised speaks for its flavor: a full disk may have been its host's."""
_OF_A_FLAVOR = (Failure.CAPACITY, Failure.BAD_REQUEST, Failure.LOST)
_OF_A_BOOT = (Failure.CAPACITY, Failure.BOOT, Failure.LOST)

Scope = tuple[str, str | None, str | None]
"""(site, flavor or None for all, user or None for all)."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Failures of one class in one scope, not yet followed by a success."""

    failure: Failure
    failures: int
    waves: int
    until: float
    """When one server may be tried again."""
    cores: int = 0
    """The cores of our servers that were there when the quota was exceeded: fewer of them, and the wait is over."""


@dataclass(frozen=True, slots=True)
class Room:
    """What jobs really `found` on the worker that joined last, and what its flavor had `promised` them then."""

    promised: Amount
    found: Amount
    at: float
    """When it joined."""

    def fresh(self, now: float) -> bool:
        """Whether it still speaks for the flavor. One that lies in the future is of a clock that was wrong."""
        return abs(now - self.at) < ROOM_LASTS


@dataclass(frozen=True, slots=True)
class Past:
    """`boot_times` (seconds from intent to joined), `failing` (share of boots that failed, 0 to 1), `rooms` (what jobs
    find there) and `zones` (how many zones had no room, one after the other) are by (site, flavor)."""

    boot_times: Mapping[tuple[str, str], float] = field(default_factory=dict)
    failing: Mapping[tuple[str, str], float] = field(default_factory=dict)
    rooms: Mapping[tuple[str, str], Room] = field(default_factory=dict)
    troubles: Mapping[Scope, Mapping[Failure, Trouble]] = field(default_factory=dict)
    zones: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """A success does not set it back: the zone that had room is used until it has none."""


def failed(
    past: Past, site: str, flavor: str, failure: Failure, now: float, cores: int = 0, user: str | None = None
) -> Past:
    """After a failure. `cores`: what our other servers use there; `user`: whose grant it was, None for the service's."""
    scope = (site, flavor if failure in _OF_A_FLAVOR else None, user if failure is Failure.AUTH else None)
    here = past.troubles.get(scope, {})
    old, zones = here.get(failure), past.zones
    if old is not None and now < old.until:
        new = replace(old, failures=old.failures + 1, cores=min(old.cores, cores))
    else:
        first, most = _BACK_OFF[failure]
        waves = old.waves + 1 if old else 1
        wait = min(most, first * 2 ** min(waves - 1, 20))
        new = Trouble(failure, (old.failures if old else 0) + 1, waves, now + wait, cores)
        if failure is Failure.CAPACITY:
            zones = {**zones, (site, flavor): zones.get((site, flavor), 0) + 1}
    troubles = {**past.troubles, scope: {**here, failure: new}}
    failing = _averaged(past.failing, (site, flavor), 1.0) if failure in _OF_A_BOOT else past.failing
    return replace(past, troubles=troubles, failing=failing, zones=zones)


def accepted(past: Past, site: str, user: str | None = None) -> Past:
    """After a create call that the cloud took: credential, quota and service are in order."""
    fine = (Failure.AUTH, Failure.QUOTA, Failure.BUSY)
    return replace(past, troubles=_without(past.troubles, ((site, None, None), (site, None, user)), fine))


def booted(past: Past, site: str, flavor: str, seconds: float, room: Room) -> Past:
    """After a worker joined, so many seconds after its intent. A room without cores or memory was not told: no lesson."""
    where = (site, flavor)
    told = room.found.cpus > 0 and room.found.memory > 0
    return replace(
        past,
        boot_times=_averaged(past.boot_times, where, seconds),
        failing=_averaged(past.failing, where, 0.0),
        rooms={**past.rooms, where: room} if told else past.rooms,
        troubles=_without(past.troubles, ((site, None, None), (site, flavor, None)), (Failure.BOOT, *_OF_A_FLAVOR)),
    )


def in_time(past: Past, now: float) -> Past:
    """Without back-offs that last longer than any can: where the clock was set back, they would last for as long."""
    if all(trouble.until <= _latest(trouble, now) for here in past.troubles.values() for trouble in here.values()):
        return past
    troubles = {
        scope: {failure: replace(one, until=min(one.until, _latest(one, now))) for failure, one in here.items()}
        for scope, here in past.troubles.items()
    }
    return replace(past, troubles=troubles)


def _latest(trouble: Trouble, now: float) -> float:
    return now + _BACK_OFF[trouble.failure][1]


def _averaged(
    values: Mapping[tuple[str, str], float], key: tuple[str, str], new: float
) -> dict[tuple[str, str], float]:
    return {**values, key: values[key] * (1 - _WEIGHT) + new * _WEIGHT if key in values else new}


def _without(
    troubles: Mapping[Scope, Mapping[Failure, Trouble]], scopes: tuple[Scope, ...], classes: tuple[Failure, ...]
) -> dict[Scope, Mapping[Failure, Trouble]]:
    left = dict(troubles)
    for scope in scopes:
        rest = {failure: trouble for failure, trouble in left.pop(scope, {}).items() if failure not in classes}
        if rest:
            left[scope] = rest
    return left
