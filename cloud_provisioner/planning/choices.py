"""At which sites, on which flavors, a kind of job could run at all, the best first; and why not at the others.

Nothing here changes during a plan: jobs that are alike in what counts share one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.past import Past
from cloud_provisioner.planning.places import Flavor, Site, cloud_of
from cloud_provisioner.planning.reasons import Obstacle, Reason, duration

USUAL_BOOT = 180.0
"""Seconds, where nothing was measured."""
_WORST = 0.95
_OUT_OF_PLACE = (Reason.UNPLACED, Reason.NO_VO, Reason.DISABLED)
_SECOND = 0.0005
"""The price of waiting a second for a worker, in units of an hour's price of a core."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A flavor on which a node of the job fits; `node` is the largest allowed one, `room` what jobs find there.

    On `trial` it fits by the flavor's promise alone: workers had less room, but that was long ago. One is tried.
    """

    flavor: Flavor
    node: Amount
    room: Amount
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A site that could run the job, with the flavors that fit, cheapest first."""

    site: Site
    fits: tuple[Fit, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Options:
    """The sites for a kind of job, best first, and the obstacles at all others."""

    choices: tuple[Choice, ...]
    refused: tuple[Obstacle, ...]


_Frame = tuple[tuple[Site, ...], tuple[Obstacle, ...]]


class Chooser:
    """Options of jobs, remembered by kind for the length of a plan."""

    def __init__(self, sites: Sequence[Site], past: Past, now: float) -> None:
        self._sites, self._past, self._now = sites, past, now
        self._options: dict[object, Options] = {}
        self._fits: dict[object, tuple[Fit, ...]] = {}
        self._frames: dict[object, _Frame] = {}
        self._scores = {site.name: self._score(site) for site in sites}

    def of(self, group: Group) -> Options:
        """Where jobs of the group could run, users' grants and deadlines aside."""
        kind = (group.needs, group.vo, group.preemptible, group.required, group.preferred, group.walltime)
        found = self._options.get(kind)
        if found is None:
            found = self._options[kind] = self._look(group)
        return found

    def boot_seconds(self, site: str, flavor: str) -> float | None:
        """The measured time from intent to joined; None where there is none."""
        return self._past.boot_times.get((site, flavor))

    def _look(self, group: Group) -> Options:
        allowed, excluded = self._frame(group)
        choices: list[Choice] = []
        refused = [one for one in excluded if one.reason not in _OUT_OF_PLACE]
        for site in allowed:
            fits = self._fitting(site, group)
            if fits:
                choices.append(Choice(site, fits))
            else:
                refused.append(_too_small(site, group))
        # Sites that the user has excluded, or that are not the user's, matter only where nothing else is left.
        return Options(tuple(choices), tuple(refused) if choices or refused else excluded)

    def _frame(self, group: Group) -> _Frame:
        """The sites that the job's size apart could take it, best first, and the obstacles at the others."""
        key = (group.vo, group.required, group.preferred, group.walltime)
        if key not in self._frames:
            allowed: list[Site] = []
            excluded: list[Obstacle] = []
            for site in self._sites:
                obstacle = _excluded(site, group)
                if obstacle is None:
                    allowed.append(site)
                else:
                    excluded.append(obstacle)
            allowed.sort(key=lambda site: self._rank(site, group))
            self._frames[key] = tuple(allowed), tuple(excluded)
        return self._frames[key]

    def _fitting(self, site: Site, group: Group) -> tuple[Fit, ...]:
        key = (site.name, group.needs, group.preemptible)
        if key not in self._fits:
            fits = self._fits_in(site, group, trial=False) or self._fits_in(site, group, trial=True)
            fits.sort(key=lambda fit: (fit.flavor.price, fit.flavor.size, fit.flavor.name))
            self._fits[key] = tuple(fits)
        return self._fits[key]

    def _fits_in(self, site: Site, group: Group, trial: bool) -> list[Fit]:
        fits = []
        for flavor in site.flavors:
            room = self._room(site, flavor, trial)
            node = None if flavor.preemptible and not group.preemptible else group.needs.fit(room)
            if node is not None:
                fits.append(Fit(flavor, node, room, trial))
        return fits

    def _room(self, site: Site, flavor: Flavor, trial: bool) -> Amount:
        """What jobs find on a worker of the flavor; for a trial, what they would if what was found long ago has passed."""
        lesson = self._past.rooms.get((site.name, flavor.name))
        if lesson is None or (trial and not lesson.fresh(self._now)):
            return flavor.room
        # Of another promise it says nothing: the description was changed, the flavor itself, or what is free on a disk.
        numbers = zip(flavor.room, lesson.promised, lesson.found, strict=True)
        return Amount(*(min(now, found) if now == then else now for now, then, found in numbers))

    def _rank(self, site: Site, group: Group) -> tuple[bool, int, int, float, str]:
        liked = group.preferred.admits(cloud_of(site.name), site.region)
        return (not liked, site.tier, -site.priority, self._scores[site.name], site.name)

    def _score(self, site: Site) -> float:
        scores = []
        for flavor in site.flavors:
            where = (site.name, flavor.name)
            seconds = self._past.boot_times.get(where, USUAL_BOOT)
            expected = seconds / (1 - min(_WORST, self._past.failing.get(where, 0.0)))
            scores.append(flavor.price / max(1, flavor.size.cpus) + _SECOND * expected)
        return min(scores, default=0.0)


def _excluded(site: Site, group: Group) -> Obstacle | None:
    if not group.required.admits(cloud_of(site.name), site.region):
        return Obstacle(site.name, Reason.UNPLACED, f"its placement requirements exclude {site.name}")
    if (site.vos and group.vo not in site.vos) or group.vo in site.except_vos:
        return Obstacle(site.name, Reason.NO_VO, f"{site.name} does not serve the VO {group.vo or '(none)'}")
    if not site.enabled:
        return Obstacle(site.name, Reason.DISABLED, f"{site.name} is switched off")
    if site.silent is not None:
        return Obstacle(site.name, site.silent.reason, site.silent.phrase)
    if site.longest_job is not None and group.walltime > site.longest_job:
        longest = duration(site.longest_job)
        return Obstacle(site.name, Reason.TOO_LONG, f"{site.name} ends servers after {longest}, before its walltime")
    return None


def _too_small(site: Site, group: Group) -> Obstacle:
    least = group.needs.smallest
    if not group.preemptible and any(one.preemptible and group.needs.fit(one.room) is not None for one in site.flavors):
        phrase = f"{site.name} has room for it on workers alone that may be taken away, which it does not allow (preemptible)"
        return Obstacle(site.name, Reason.NO_FLAVOR, phrase)
    flavors = [flavor for flavor in site.flavors if group.preemptible or not flavor.preemptible]
    if any(group.needs.fit(flavor.room) is not None for flavor in flavors):
        phrase = f"{site.name}'s last worker had less room than its flavor promises; one is tried again within a day"
        return Obstacle(site.name, Reason.NO_FLAVOR, phrase)
    lacking = f"{least.cpus} cores, {_gigabytes(least.memory)} of memory and {_gigabytes(least.disk)} of disk"
    if not any(flavor.room.cpus >= least.cpus for flavor in flavors):
        lacking = f"{least.cpus} cores"
    elif not any(flavor.room.memory >= least.memory for flavor in flavors):
        lacking = _gigabytes(least.memory)
    elif not any(flavor.room.disk >= least.disk for flavor in flavors):
        lacking = f"{_gigabytes(least.disk)} of disk"
    return Obstacle(site.name, Reason.NO_FLAVOR, f"{site.name} has no flavor with {lacking}")


def _gigabytes(megabytes: int) -> str:
    return f"{round(megabytes / 1024, 1):g} GB"
