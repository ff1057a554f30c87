"""On which workers a job may run, and on which it rather runs, as HTCondor's expressions over our own attributes. Pure.

The names that a user gave stand in the job's ad as literals, never in here.
"""

from __future__ import annotations

from api.documents.policies import Policies
from pool.attributes import Job, Machine
from pool.binding import SERVES
from pool.submission import literal, quoted_list

DEDICATED = "dedicated"
_USUAL_SCALING = "shared"
_BESIDE_OTHERS = f'TARGET.{Machine.PURPOSE} =!= "own"'
_ALONE = (
    f'TARGET.{Machine.PURPOSE} =?= "own" && (TARGET.SlotType =?= "Dynamic" || TARGET.Cpus =?= TARGET.TotalSlotCpus)'
)
"""The worker is there for jobs that want one of their own, and nothing else is on it: a slot that has been split off already
is that of a run of the same user's that has ended."""
_WORKERS_THAT_STAY = f"TARGET.{Machine.PREEMPTIBLE} =!= true"

_REQUIREMENTS = ((Job.REQUIRED_SITES, Machine.SITE), (Job.REQUIRED_REGIONS, Machine.REGION))
_PREFERENCES = ((2, Job.PREFERRED_SITES, Machine.SITE), (1, Job.PREFERRED_REGIONS, Machine.REGION))


def requirements(policies: Policies) -> str:
    """The job's Requirements, as far as they are ours."""
    where = policies.placement.requirements
    asked = (where.sites, where.regions) if where is not None else ((), ())
    clauses = [SERVES, _ALONE if policies.auto_scaling_type == DEDICATED else _BESIDE_OTHERS]
    if not policies.preemptible:
        clauses.append(_WORKERS_THAT_STAY)
    clauses += [
        f"member(TARGET.{ours}, MY.{theirs})"
        for names, (theirs, ours) in zip(asked, _REQUIREMENTS, strict=True)
        if names
    ]
    return " && ".join(clauses)


def rank(policies: Policies) -> str | None:
    """The job's Rank: the higher the better; None where all workers are alike to it."""
    if policies.placement.preferences is None:
        return None
    return " + ".join(
        f"{weight} * int(member(TARGET.{theirs}, MY.{ours}) =?= true)" for weight, ours, theirs in _PREFERENCES
    )


def attributes(policies: Policies) -> dict[str, str]:
    """What the job's ad says about it: name and literal of each attribute."""
    ours: dict[str, str] = {}
    if policies.auto_scaling_type not in (None, _USUAL_SCALING):
        ours[Job.SCALING] = literal(str(policies.auto_scaling_type))
    if policies.preemptible:
        ours[Job.PREEMPTIBLE] = "true"
    placement = policies.placement
    for where, sites, regions in (
        (placement.requirements, Job.REQUIRED_SITES, Job.REQUIRED_REGIONS),
        (placement.preferences, Job.PREFERRED_SITES, Job.PREFERRED_REGIONS),
    ):
        if where is not None and where.sites:
            ours[sites] = quoted_list(where.sites)
        if where is not None and where.regions:
            ours[regions] = quoted_list(where.regions)
    return ours
