"""`why`: what each site and each worker has against a job, in words; the plan's and the pool's own rules decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloud_provisioner.admin.why import MOST, needs, site_lines, told, worker_lines
from cloud_provisioner.admin.why_sites import Verdict, at_sites
from cloud_provisioner.admin.why_workers import Seat, at_workers
from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning.decisions import Policy
from cloud_provisioner.planning.demand import Group, Needs, Placement, Scaling
from cloud_provisioner.planning.past import Past, Trouble
from cloud_provisioner.planning.places import Flavor, Limits, Silence, Site
from cloud_provisioner.planning.reasons import Reason
from cloud_provisioner.planning.supply import Server
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.states import State
from pool.attributes import AUTHENTICATED_IDENTITY, Machine
from tests.unit.cloud_provisioner.admin.admin_service import AdminService

NOW = 1_800_000_000.0
SMALL = Amount(2, 4096, 20_000)
FLAVOR = Flavor("m2", SMALL, SMALL)
JOB = Group("k", 40, Needs(2, 2, 1024, disk=1000), "ann", "vo_a", NOW - 60)
ROOMY = Server("u", "A", "m2", State.READY, SMALL, SMALL)


def verdict(site: Site, group: Group = JOB, servers: tuple[Server, ...] = (), past: Past | None = None) -> Verdict:
    (found,) = at_sites(group, servers, [site], past or Past(), NOW, Policy())
    return found


@pytest.mark.parametrize(
    ("site", "code", "words"),
    [
        (Site("A", (FLAVOR,)), "yes", "could be booted now: 1 of the flavor m2"),
        (Site("A", (FLAVOR,), limits=Limits(cores=2), foreign=SMALL), "quota", "2 of 2 cores"),
        (Site("A", (FLAVOR,), vos=frozenset({"vo_b"})), "notForVo", "does not serve the VO vo_a"),
        (Site("A", (FLAVOR,), enabled=False), "disabled", "switched off"),
        (Site("A", (FLAVOR,), grants=frozenset({"bob"})), "noGrant", "needs the user's own authorisation"),
        (Site("A", (replace(FLAVOR, room=Amount(1, 9999, 9999)),)), "noFlavor", "has no flavor with 2 cores"),
        (Site("A", ()), "noFlavor", "has no flavor"),
        (Site("A", (), silent=Silence(Reason.AUTH, "for users", "A needs its key")), "auth", "A needs its key"),
    ],
)
def test_a_site_says_what_stands_in_the_way_there_alone(site: Site, code: str, words: str) -> None:
    found = verdict(site)
    assert (found.site, found.code) == ("A", code)
    assert words in found.phrase
    assert not found.phrase.startswith("waiting")


def test_a_site_that_keeps_away_says_until_when() -> None:
    trouble = Trouble(Failure.CAPACITY, 2, 1, NOW + 240)
    past = Past(troubles={("A", "m2", None): {Failure.CAPACITY: trouble}})
    found = verdict(Site("A", (FLAVOR,)), past=past)
    assert (found.code, found.phrase) == ("capacity", "A tries again in 4 min after 2 times without capacity")


def test_room_on_present_workers_does_not_hide_what_a_site_has_against_more() -> None:
    full = Site("A", (FLAVOR,), limits=Limits(servers=1))
    assert verdict(full, servers=(ROOMY,)).code == "quota"


def test_a_multi_node_job_needs_room_for_all_its_nodes() -> None:
    wide = replace(JOB, needs=replace(JOB.needs, nodes=3))
    assert verdict(Site("A", (FLAVOR,), limits=Limits(servers=2)), wide).code == "tooManyNodes"
    assert verdict(Site("A", (FLAVOR,)), wide).phrase == "could be booted now: 3 of the flavor m2"


def slot(**changes: Any) -> dict[str, Any]:
    ad = {
        "Name": "slot1@here",
        "State": "Unclaimed",
        "NumDynamicSlots": 0,
        AUTHENTICATED_IDENTITY: f"worker-{'a' * 32}@prominence",
        Machine.SITE: "A",
        Machine.REGION: "eu",
        Machine.PURPOSE: "shared",
        **dict.fromkeys(("Cpus", "TotalSlotCpus"), 4),
        **dict.fromkeys(("Memory", "TotalSlotMemory"), 8192),
        **dict.fromkeys(("Disk", "TotalSlotDisk"), 50000 * 1024),
    }
    return ad | changes


def seat(group: Group = JOB, **changes: Any) -> Seat:
    (found,) = at_workers(group, [slot(**changes)])
    return found


OWN = {Machine.PURPOSE: "own"}
DEDICATED = replace(JOB, scaling=Scaling.DEDICATED)


@pytest.mark.parametrize(
    ("group", "changes", "why"),
    [
        (JOB, {}, ""),
        (JOB, {"Cpus": 1}, "has no room left"),
        (JOB, {"Cpus": 1, "TotalSlotCpus": 1}, "is too small, even when it is empty"),
        (JOB, {"Disk": 900 * 1024}, "has no room left"),
        (JOB, {"Draining": True}, "takes no more jobs: it is being given back"),
        (JOB, {"State": "Drained"}, "takes no more jobs: it is being given back"),
        (JOB, {AUTHENTICATED_IDENTITY: "worker-for-bob@p"}, "runs jobs of bob alone"),
        (
            JOB,
            {AUTHENTICATED_IDENTITY: f"worker-for-ann+vo-vo_b+{'a' * 32}@p"},
            "runs jobs of ann under vo_b alone",
        ),
        (JOB, {AUTHENTICATED_IDENTITY: f"worker-for-ann+vo-vo_a+{'a' * 32}@p"}, ""),
        (JOB, {AUTHENTICATED_IDENTITY: f"worker-vo-vo_b+{'a' * 32}@p"}, "runs jobs under vo_b alone"),
        (JOB, OWN, "is for jobs that want a worker of their own"),
        (DEDICATED, OWN, ""),
        (DEDICATED, OWN | {"NumDynamicSlots": 1}, "has a job already, and takes one at a time"),
        (DEDICATED, {}, "is shared by jobs, and this one wants a worker of its own (autoScalingType dedicated)"),
        (replace(JOB, needs=replace(JOB.needs, nodes=2)), {}, ""),
        (
            JOB,
            {Machine.PREEMPTIBLE: True},
            "may be taken away by its cloud, which the job does not allow (preemptible)",
        ),
        (replace(JOB, preemptible=True), {Machine.PREEMPTIBLE: True}, ""),
        (
            replace(JOB, required=Placement(regions=frozenset({"us"}))),
            {},
            "is at A, which the job's placement excludes",
        ),
        (replace(JOB, required=Placement(sites=frozenset({"A"}))), {}, ""),
    ],
)
def test_a_worker_says_why_the_job_does_not_go_there(group: Group, changes: dict[str, Any], why: str) -> None:
    assert seat(group, **changes).why == why


def test_workers_with_room_come_first_and_only_those_without_a_reason_are_asked_of_htcondor() -> None:
    asked = []

    def match(job: tuple[int, int], names: Any) -> dict[str, str]:
        asked.append((job, list(names)))
        return {"slot1@b": "matches"}

    seats = at_workers(JOB, [slot(Name="slot1@a", Cpus=1), slot(Name="slot1@b"), slot(Name="slot1@c"), slot(**OWN)])
    lines = worker_lines(seats, (7, 0), match)
    assert asked == [((7, 0), ["slot1@b", "slot1@c"])]
    assert [line.split()[0] for line in lines] == ["WORKER", "slot1@b", "slot1@c", "slot1@here", "slot1@a"]
    assert lines[1].endswith("4 cores, 8 GB, 48.8 GB disk  matches")
    assert lines[2].endswith("has just gone")


def test_of_very_many_workers_the_rest_is_counted() -> None:
    seats = at_workers(JOB, [slot(Name=f"slot1@{number:03}", Cpus=number % 2 * 4) for number in range(100)])
    lines = worker_lines(seats, (7, 0), lambda job, names: {})
    assert len(lines) == MOST + 2
    assert lines[-1] == "… and 70 more, 20 of them with room"


def test_without_sites_or_workers_there_is_a_sentence() -> None:
    assert site_lines([]) == ["No site is described: no worker can be made for it."]
    assert worker_lines([], (7, 0), lambda job, names: {}) == ["There is no worker in the pool."]


AD = {"ClusterId": 7, "JobStatus": 1, "Owner": "ann", "AcctGroup": "vo_a", "EnteredCurrentStatus": int(NOW) - 240}


def test_what_the_ad_says_is_told_first() -> None:
    reason = {"ProminenceReason": "quota", "ProminenceReasonText": "waiting: 100%25", "ProminenceReasonSite": "A"}
    first, second = told(7, AD | reason | {"NumJobStarts": 1}, NOW)
    assert first.startswith("Job 7 of ann in vo_a is idle since ")
    assert first.endswith("(4 min), and was started 1 time before.")
    assert second == "Its ad says: quota (A): waiting: 100%"


def test_a_job_without_a_reason_has_not_been_looked_at() -> None:
    assert "has not looked at it yet" in list(told(7, AD, NOW))[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"JobStatus": 2, "RemoteHost": "slot1_1@w"}, "runs on slot1_1@w since"),
        ({"JobStatus": 5, "HoldReason": "x"}, ": x."),
    ],
)
def test_a_job_that_does_not_wait_says_so(changes: dict[str, Any], words: str) -> None:
    (line,) = told(7, AD | changes, NOW)
    assert words in line


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (JOB, "1 node with 2 cores, 1 GB of memory and 0.98 GB of disk, beside other jobs"),
        (replace(JOB, needs=Needs(1, 8, memory_per_cpu=2048)), "1 to 8 cores, 2 GB"),
        (replace(JOB, needs=Needs(2, 8, options=(2, 8))), "2 or 8 cores"),
        (DEDICATED, "a worker of its own for each"),
        (replace(JOB, preemptible=True), "a worker may be taken away"),
    ],
)
def test_what_a_job_needs_is_said(group: Group, words: str) -> None:
    assert words in needs(group)


def test_without_the_pools_configuration_it_is_asked_for(admin: AdminService) -> None:
    code, _, err = admin.run("why", "1000")
    assert code == 1
    assert "CONDOR_CONFIG is not set" in err


def test_a_worker_with_endless_numbers_keeps_no_answer_back() -> None:
    seats = at_workers(JOB, [slot(Name="slot1@eve", Cpus=float("inf"), TotalSlotDisk=float("nan")), slot()])
    assert [seat.free.cpus for seat in seats if seat.name == "slot1@eve"] == [0]
