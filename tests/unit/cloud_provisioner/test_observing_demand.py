"""From the ads of idle jobs to groups of jobs that are alike."""

from __future__ import annotations

from typing import Any

import pytest

from cloud_provisioner.observing.demand import Member, Said, grouped, kind, representatives
from cloud_provisioner.planning.demand import Group, Needs, Placement, Scaling
from pool.attributes import Job

WHOLE: dict[str, Any] = {
    Job.DEMAND: "d1",
    "Owner": "ann",
    "AcctGroup": "vo.example",
    "JobUniverse": 5,
    "JobPrio": 3,
    "RequestCpus": 2,
    "RequestMemory": 2048,
    "RequestDisk": 10 * 1024 * 1024,
    "MinHosts": 1,
    "MaxHosts": 1,
    Job.WALLTIME: 3600,
}


def idle(cluster: int, proc: int = 0, demand: str = "d1", since: int = 1000, **more: Any) -> dict[str, Any]:
    known = {"ClusterId": cluster, "ProcId": proc, Job.DEMAND: demand, "EnteredCurrentStatus": since, "QDate": since}
    return {**known, "NumJobStarts": 0, **more}


def test_a_whole_ad_says_what_its_kind_of_jobs_needs() -> None:
    assert kind(WHOLE) == Group(
        "d1",
        0,
        Needs(2, 2, memory=2048, disk=10 * 1024),
        "ann",
        "vo.example",
        since=0.0,
        walltime=3600.0,
        priority=3,
    )


@pytest.mark.parametrize(
    ("ad", "part", "value"),
    [
        ({Job.CPUS_MAX: 8}, "needs", Needs(2, 8, memory=2048, disk=10240)),
        ({Job.CPUS_MAX: 8, Job.CPUS_OPTIONS: [2, 8]}, "needs", Needs(2, 8, memory=2048, disk=10240, options=(2, 8))),
        # RequestMemory is what the smallest size needs, where memory goes by CPUs.
        ({Job.CPUS_MAX: 4, Job.MEMORY_PER_CPU: 1024}, "needs", Needs(2, 4, memory_per_cpu=1024, disk=10240)),
        ({"JobUniverse": 11, "MaxHosts": 4}, "needs", Needs(2, 2, memory=2048, disk=10240, nodes=4)),
        ({"MaxHosts": 4}, "needs", Needs(2, 2, memory=2048, disk=10240)),
        ({"RequestDisk": 1}, "needs", Needs(2, 2, memory=2048, disk=1)),
        ({Job.SCALING: "none"}, "scaling", Scaling.NONE),
        ({Job.SCALING: "dedicated"}, "scaling", Scaling.DEDICATED),
        ({Job.SCALING: "later"}, "scaling", Scaling.SHARED),
        ({Job.PREEMPTIBLE: True}, "preemptible", True),
        ({Job.PREEMPTIBLE: None}, "preemptible", False),
        ({Job.REQUIRED_SITES: ["a", "b"]}, "required", Placement(frozenset("ab"))),
        ({Job.REQUIRED_SITES: ["a%25%C3%A9"]}, "required", Placement(frozenset({"a%é"}))),
        ({Job.PREFERRED_REGIONS: ["r"]}, "preferred", Placement(frozenset(), frozenset("r"))),
        ({"RequestCpus": None, "RequestMemory": None, "RequestDisk": None}, "needs", Needs(1, 1)),
        ({Job.WALLTIME: None}, "walltime", 43200.0),
        ({Job.WALLTIME: float("inf")}, "walltime", 43200.0),
        ({"JobPrio": -7}, "priority", -7),
        ({"RequestMemory": float("nan"), "RequestDisk": -1}, "needs", Needs(2, 2)),
        ({Job.SCALING: [1]}, "scaling", Scaling.SHARED),
    ],
)
def test_each_attribute_has_its_place(ad: dict[str, Any], part: str, value: object) -> None:
    assert getattr(kind({**WHOLE, **ad}), part) == value


def test_jobs_that_are_alike_are_one_group_with_the_oldest_first() -> None:
    ads = [idle(7, 1, since=1010), idle(7, 0, since=1010), idle(9, since=1005), idle(8, demand="d2")]
    kinds = {"d1": kind(WHOLE), "d2": kind({**WHOLE, Job.DEMAND: "d2", "Owner": "ben"})}
    found = grouped(ads, kinds)
    assert [(group.key, group.user, group.count, group.since) for group in found.groups] == [
        ("d1", "ann", 3, 1005.0),
        ("d2", "ben", 1, 1000.0),
    ]
    assert [member.job for member in found.members["d1"]] == [(9, 0), (7, 0), (7, 1)]


def test_a_job_that_is_idle_again_is_as_old_as_its_last_wait() -> None:
    [group] = grouped([idle(7, EnteredCurrentStatus=5000, QDate=10, NumJobStarts=1)], {"d1": kind(WHOLE)}).groups
    assert group.since == 5000.0


def test_members_know_what_their_ads_say() -> None:
    said = {Job.REASON: "quota", Job.REASON_TEXT: "waiting: A is full", Job.REASON_SITE: None}
    found = grouped([idle(7) | said, idle(8)], {"d1": kind(WHOLE)})
    assert found.members["d1"] == (
        Member((7, 0), Said("quota", "waiting: A is full", "")),
        Member((8, 0), Said()),
    )


def test_jobs_that_leave_the_queue_at_about_the_same_time_are_one_group() -> None:
    limited = kind({**WHOLE, Job.MAXIMUM_TIME_IN_QUEUE: 1600})
    ads = [
        idle(1, since=1000),
        idle(2, since=1099),
        idle(3, since=1100),
        # It has started once: nothing takes it away any more.
        idle(4, since=1000, NumJobStarts=1),
    ]
    found = grouped(ads, {"d1": limited})
    leave = {tuple(member.job[0] for member in found.members[group.key]): group.leaves_at for group in found.groups}
    assert leave == {(1, 2): 2600.0, (3,): 2700.0, (4,): None}


def test_a_job_that_may_not_wait_at_all_is_the_pools_business() -> None:
    [group] = grouped([idle(1)], {"d1": kind({**WHOLE, Job.MAXIMUM_TIME_IN_QUEUE: 0})}).groups
    assert group.leaves_at is None


def test_only_kinds_that_are_not_known_are_asked_for_and_the_rest_is_left_out() -> None:
    ads = [idle(1), idle(2, demand="d2"), idle(3, demand="d2")]
    kinds = {"d1": kind(WHOLE)}
    assert representatives(ads, kinds) == [(2, 0)]
    assert [group.key for group in grouped(ads, kinds).groups] == ["d1"]
