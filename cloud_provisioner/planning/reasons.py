"""Why an idle job waits: a code for programs, a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloud_provisioner.servers.failures import Failure


class Reason(StrEnum):
    """Codes of reasons. From DEPLOYING down to UNPLACED the first that holds at some site is the job's."""

    MATCHING = "matching"
    """A worker has room for it: HTCondor's next negotiation should start it."""
    DEPLOYING = "deploying"
    """A worker is on its way for it."""
    STARTING = "starting"
    """As many servers are being started as the site allows at a time."""
    PROBING = "probing"
    """After failures, or long after a worker with too little room, one server is tried first; the others wait for it."""
    HELD = "held"
    """What is free at the site is kept for a multi-node job that has waited long."""
    QUOTA = "quota"
    """The limits of the site or its project leave no room."""
    BUSY = "busy"
    """The cloud answers too slowly or with errors: it is left alone for a moment."""
    CAPACITY = "capacity"
    """The cloud had no host for such a server."""
    BOOT = "bootFailures"
    """Servers of the site did not come up or did not join."""
    LOST = "lostWorkers"
    """Workers of this kind went away by themselves."""
    AUTH = "auth"
    """The cloud does not accept the credential."""
    BAD_REQUEST = "badRequest"
    """The cloud refuses the request: its flavor, image or network must be looked at."""
    GRANT = "noGrant"
    """The site works on the user's own authorisation, and there is none that can be used."""
    LEAVES_SOON = "leavesSoon"
    """`maximumTimeInQueue` would take it away before a worker could be there."""
    TOO_MANY_NODES = "tooManyNodes"
    """The site's limits do not allow that many nodes, even if nothing else ran."""
    TOO_LONG = "tooLong"
    """The site does not let servers live as long as the job may run."""
    NO_FLAVOR = "noFlavor"
    """The site has no flavor that is large enough, or within the last day its worker had less room than promised."""
    UNKNOWN = "unknown"
    """The cloud has not said yet what it has to offer."""
    DISABLED = "disabled"
    """An admin has switched the site off."""
    NO_VO = "notForVo"
    """The site does not serve the job's VO."""
    UNPLACED = "placement"
    """The job's placement requirements exclude the site."""
    NO_SCALING = "noScaling"
    """Its autoScalingType is none, and no present worker has room."""
    NO_SITES = "noSites"
    """No site is configured."""


OF_FAILURE = {
    Failure.AUTH: Reason.AUTH,
    Failure.QUOTA: Reason.QUOTA,
    Failure.CAPACITY: Reason.CAPACITY,
    Failure.BAD_REQUEST: Reason.BAD_REQUEST,
    Failure.BUSY: Reason.BUSY,
    Failure.BOOT: Reason.BOOT,
    Failure.LOST: Reason.LOST,
}
_HOPE = {reason: place for place, reason in enumerate(Reason)}
_NAMED = 4
"""So many sites are named in a sentence."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a job gets no server at one site. `until` is when that may change, where it is known."""

    site: str
    reason: Reason
    phrase: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why `count` jobs of a group wait. Over a plan, the counts of a group add up to the group's."""

    group: str
    count: int
    reason: Reason
    sentence: str
    site: str | None = None
    until: float | None = None


def waiting(group: str, count: int, obstacles: Sequence[Obstacle]) -> Waiting:
    """One reason out of what stands in the way at each site: the most hopeful leads, a few sites are named."""
    if not obstacles:
        return Waiting(group, count, Reason.NO_SITES, "waiting: no site is configured that could run it")
    ranked = sorted(obstacles, key=lambda obstacle: _HOPE[obstacle.reason])
    phrases = [obstacle.phrase for obstacle in ranked[:_NAMED]]
    if len(ranked) > _NAMED:
        others = len(ranked) - _NAMED
        phrases.append(f"{others} other site{'s' if others > 1 else ''} cannot take it either")
    times = [obstacle.until for obstacle in obstacles if obstacle.until is not None]
    first = ranked[0]
    sentence = "waiting: " + "; ".join(phrases)
    return Waiting(group, count, first.reason, sentence, first.site, min(times) if times else None)


def duration(seconds: float) -> str:
    """A duration for people, rounded up: "40 s", "4 min", "2 h"."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{-int(-seconds // length)} {unit}"
    return f"{max(1, -int(-seconds // 1))} s"
