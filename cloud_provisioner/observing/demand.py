"""Idle jobs by their ads -> groups of jobs that are alike, and the members of each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cloud_provisioner.observing.reading import Ad, number, text
from cloud_provisioner.planning.demand import Group, Needs, Placement, Scaling
from pool.attributes import Job
from pool.submission import unescaped

JobId = tuple[int, int]
"""ClusterId and ProcId."""

_MB = 1024
"""KB in a MB: HTCondor counts disk in KB."""
_PARALLEL = 11
_WALLTIME = 720 * 60
_BUCKETS = 16
"""Jobs with a maximumTimeInQueue are told apart by when it ends, in so many parts of it."""
_SHORTEST_BUCKET = 60


class Said(NamedTuple):
    """A reason as it stands in an ad, escaped; a part that is not there is empty."""

    code: str = ""
    text: str = ""
    site: str = ""


class Member(NamedTuple):
    """One idle job and what its ad says of why it waits."""

    job: JobId
    said: Said


@dataclass(frozen=True, slots=True)
class Demand:
    """All idle jobs in groups; `members` by the group's key, the oldest first."""

    groups: tuple[Group, ...] = ()
    members: Mapping[str, tuple[Member, ...]] = field(default_factory=dict)


def idle(ad: Ad) -> Ad:
    """An ad that says which job it is of, and of which DEMAND: it is that ad. ValueError."""
    if isinstance(ad[Job.DEMAND], str) and all(isinstance(one, int) for one in _id(ad)):
        return ad
    raise ValueError("an idle job's ad does not say which job it is")


def representatives(ads: Iterable[Ad], known: Mapping[str, Group]) -> list[JobId]:
    """A job for each DEMAND that is not among the known ones: the first that has it."""
    found: dict[str, JobId] = {}
    for ad in ads:
        if ad[Job.DEMAND] not in known:
            found.setdefault(ad[Job.DEMAND], _id(ad))
    return list(found.values())


def kind(ad: Ad) -> Group:
    """What the ad of one job, with all of `pool.demand.ATTRIBUTES`, says of all that have its DEMAND: a group of none."""
    return Group(
        ad[Job.DEMAND],
        0,
        _needs(ad),
        text(ad, "Owner"),
        text(ad, "AcctGroup"),
        since=0.0,
        walltime=float(number(ad, Job.WALLTIME, _WALLTIME)),
        scaling=_scaling(ad),
        preemptible=ad.get(Job.PREEMPTIBLE) is True,
        required=Placement(_names(ad, Job.REQUIRED_SITES), _names(ad, Job.REQUIRED_REGIONS)),
        preferred=Placement(_names(ad, Job.PREFERRED_SITES), _names(ad, Job.PREFERRED_REGIONS)),
        priority=number(ad, "JobPrio", 0, least=-(1 << 31)),
        # How long it may wait; `grouped` makes the time of it.
        leaves_at=float(number(ad, Job.MAXIMUM_TIME_IN_QUEUE, 0)) or None,
    )


def grouped(ads: Iterable[Ad], kinds: Mapping[str, Group]) -> Demand:
    """The groups of these jobs, by the `kind` of each DEMAND. A job of no known kind is left out."""
    gathered: dict[str, list[Ad]] = {}
    kind_of: dict[str, Group] = {}
    for ad in ads:
        like = kinds.get(ad[Job.DEMAND])
        if like is not None:
            key = _key(ad, like)
            gathered.setdefault(key, []).append(ad)
            kind_of[key] = like
    shared: dict[Said, Said] = {}
    groups, members = [], {}
    for key, alike in gathered.items():
        alike.sort(key=_age)
        groups.append(_group(key, kind_of[key], alike))
        said = ((ad, _said(ad)) for ad in alike)
        members[key] = tuple(Member(_id(ad), shared.setdefault(one, one)) for ad, one in said)
    return Demand(tuple(groups), members)


def _group(key: str, like: Group, ads: list[Ad]) -> Group:
    leaves_at = None
    if key != like.key and like.leaves_at is not None:
        leaves_at = min(number(ad, "QDate", 0) for ad in ads) + like.leaves_at
    return replace(like, key=key, count=len(ads), since=float(_idle_since(ads[0])), leaves_at=leaves_at)


def _key(ad: Ad, like: Group) -> str:
    """maximumTimeInQueue ends with the first start: a job that has run is of the group without."""
    if like.leaves_at is None or number(ad, "NumJobStarts", 0) > 0:
        return like.key
    width = max(_SHORTEST_BUCKET, int(like.leaves_at) // _BUCKETS)
    return f"{like.key}-{number(ad, 'QDate', 0) // width}"


def _age(ad: Ad) -> tuple[int, JobId]:
    return _idle_since(ad), _id(ad)


def _idle_since(ad: Ad) -> int:
    return number(ad, "EnteredCurrentStatus", 0) or number(ad, "QDate", 0)


def _id(ad: Ad) -> JobId:
    return ad["ClusterId"], ad["ProcId"]


def _said(ad: Ad) -> Said:
    return Said(text(ad, Job.REASON), text(ad, Job.REASON_TEXT), text(ad, Job.REASON_SITE))


def _needs(ad: Ad) -> Needs:
    least = max(1, number(ad, "RequestCpus", 1))
    per_cpu = number(ad, Job.MEMORY_PER_CPU, 0)
    options = ad.get(Job.CPUS_OPTIONS)
    return Needs(
        cpus_min=least,
        cpus_max=max(least, number(ad, Job.CPUS_MAX, least)),
        memory=0 if per_cpu else number(ad, "RequestMemory", 0),
        memory_per_cpu=per_cpu,
        disk=-(-number(ad, "RequestDisk", 0) // _MB),
        nodes=max(1, number(ad, "MaxHosts", 1)) if ad.get("JobUniverse") == _PARALLEL else 1,
        options=tuple(one for one in options if isinstance(one, int) and one > 0) if isinstance(options, list) else (),
    )


def _scaling(ad: Ad) -> Scaling:
    said = text(ad, Job.SCALING)
    return Scaling(said) if said in set(Scaling) else Scaling.SHARED


def _names(ad: Ad, attribute: str) -> frozenset[str]:
    listed = ad.get(attribute)
    names = (one for one in listed if isinstance(one, str)) if isinstance(listed, list) else ()
    return frozenset(map(unescaped, names))
