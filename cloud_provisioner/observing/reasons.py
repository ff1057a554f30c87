"""A plan's reasons and what the ads of idle jobs say -> the edits that are missing. Pure.

Each edit costs the schedd a moment and the job's event log some hundred bytes, so an ad is not edited because a minute has
passed in "tries again in 4 min". What counts:

- a job that has no reason yet gets one at once;
- another code, another site, or a sentence that differs in more than its numbers, is a change: it is written, but not sooner
  after the last change of the same group than `_pause` says, so that a plan that wavers fills no logs;
- other numbers in the same sentence are written when the last change is a minute, or a tenth of the wait, old.

The oldest jobs of a group get its reasons in the order in which they stand in the plan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat

from cloud_provisioner.observing.demand import Demand, JobId, Said
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.reasons import Waiting
from pool.attributes import Job

WAVE = 1000
"""Jobs whose ads are brought up to date together, before any younger ones."""

_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_DURATION = re.compile(r"# (?:s|min|h)\b")
_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Change:
    """What the ad of one job is to say. `group` is its group's key; a job that has no reason yet is not told `again`."""

    job: JobId
    was: Said
    now: Said
    group: str

    @property
    def again(self) -> bool:
        """Whether the job had a reason before."""
        return bool(self.was.code)


@dataclass(frozen=True, slots=True)
class Edit:
    """One call: the attribute of all these jobs becomes the text, escaped, or undefined where that is None."""

    attribute: str
    text: str | None
    jobs: tuple[JobId, ...]


def changes(
    demand: Demand,
    reasons: Iterable[Waiting],
    changed_at: Mapping[str, float],
    now: float,
    escaped: Callable[[str], str],
) -> list[Change]:
    """The changes that are due, those of the group first that has waited longest.

    `changed_at` says by a group's key when one of its jobs was last told something `again`; `escaped` makes of a text what
    an ad has of it. Reasons of groups that there are no more, and counts beyond a group's, are left out.
    """
    wanted: dict[str, list[Waiting]] = {}
    for reason in reasons:
        wanted.setdefault(reason.group, []).append(reason)
    found = []
    for group in sorted(demand.groups, key=lambda one: (one.since, one.key)):
        silent = now - changed_at.get(group.key, _NEVER)
        spread = _spread(wanted.get(group.key, ()), escaped)
        for member, said in zip(demand.members[group.key], spread, strict=False):
            if member.said != said and _is_due(member.said, said, group, now, silent):
                found.append(Change(member.job, member.said, said, group.key))
    return found


def edits(wave: Iterable[Change]) -> list[Edit]:
    """The fewest calls that make these changes. The code comes last: where there is one, sentence and site belong to it."""
    jobs: dict[tuple[int, str, str], list[JobId]] = {}
    for change in wave:
        rows = (
            (Job.REASON_TEXT, change.was.text, change.now.text),
            (Job.REASON_SITE, change.was.site, change.now.site),
            (Job.REASON, change.was.code, change.now.code),
        )
        for turn, (attribute, was, now) in enumerate(rows):
            if was != now:
                jobs.setdefault((turn, attribute, now), []).append(change.job)
    return [Edit(attribute, text or None, tuple(jobs[turn, attribute, text])) for turn, attribute, text in sorted(jobs)]


def _spread(reasons: Iterable[Waiting], escaped: Callable[[str], str]) -> Iterator[Said]:
    """What each job of a group is told, the oldest first."""
    for reason in reasons:
        said = Said(escaped(reason.reason), escaped(reason.sentence), escaped(reason.site or ""))
        yield from repeat(said, reason.count)


def _is_due(was: Said, now_said: Said, group: Group, now: float, silent: float) -> bool:
    if not was.code:
        return True
    waited = max(0.0, now - group.since)
    if was.code == now_said.code and was.site == now_said.site and _skeleton(was.text) == _skeleton(now_said.text):
        return silent >= _refresh(waited)
    return silent >= _pause(waited)


def _pause(waited: float) -> float:
    return min(5 + waited / 200, 30)


def _refresh(waited: float) -> float:
    return max(60, waited / 10)


def _skeleton(text: str) -> str:
    """A sentence without its numbers, and without the units that change with them."""
    return _DURATION.sub("#", _NUMBER.sub("#", text))
