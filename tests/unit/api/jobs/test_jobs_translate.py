"""What HTCondor is told of a job, asserted without a pool: a document, and lines of its submit description."""

from __future__ import annotations

import json
import re
from typing import Any

import classad2
import pytest

from api.documents.redact import redacted
from api.jobs.translate import token_lifetime
from identity.caller import group_slug
from pool import attributes
from pool.submission import escaped
from tests.unit.api.jobs.jobs_support import AWKWARD, ISSUER, SUBMISSION, ad_of, context, described, job

_HOUR = 3600
_DAY = 24 * _HOUR


def resources(**asked: Any) -> dict[str, Any]:
    return {"resources": asked}


def policies(**asked: Any) -> dict[str, Any]:
    return {"policies": asked}


LINES: list[tuple[dict[str, Any], dict[str, str]]] = [
    (resources(cpus=4, memory=8), {"request_cpus": "4", "request_memory": "8192", "request_disk": "10485760"}),
    (resources(cpusRange=[2, 16], memory=1), {"request_cpus": "max({2, min({16, TARGET.Cpus ?: 0})})"}),
    (resources(cpusRange=[4, 8], memoryPerCpu=1.5), {"request_memory": "1536 * RequestCpus"}),
    (resources(cpus=1, memory=0.3), {"request_memory": "308"}),
    (resources(cpus=1, memory=0.000001), {"request_memory": "1"}),
    (resources(cpus=1, memory=1, disk=1), {"request_disk": "1048576"}),
    ({}, {"allowed_job_duration": "43200", "My.ProminenceWalltime": "43200"}),
    (
        resources(cpus=1, memory=1, walltime=90),
        {"allowed_job_duration": "5400", "My.ProminenceWalltime": "5400"},
    ),
    ({}, {"priority": "0"}),
    (policies(priority=-5), {"priority": "-5"}),
    (policies(maximumTimeInQueue=60), {"My.ProminenceMaximumTimeInQueue": "3600"}),
    (policies(maximumTimeInQueue=0), {"My.ProminenceMaximumTimeInQueue": "0"}),
    (policies(autoScalingType="none"), {"My.ProminenceScaling": '"none"'}),
    (policies(autoScalingType="dedicated"), {"My.ProminenceScaling": '"dedicated"'}),
    (policies(preemptible=True), {"My.ProminencePreemptible": "true"}),
    (
        policies(leaveInQueue=True),
        {"leave_in_queue": "JobStatus == 4 && time() - CompletionDate < 2592000"},
    ),
    ({"checkpoint": {"files": ["state"]}}, {"job_max_vacate_time": "300"}),
    ({"name": "a/b c"}, {"My.JobBatchName": '"a/b c"'}),
    ({"labels": {"project": "x_1"}}, {"My.ProminenceLabels": '{"project=x_1"}'}),
    (
        policies(placement={"requirements": {"sites": ["A", "B"], "regions": ["eu"]}}),
        {"My.ProminenceRequiredSites": '{"A", "B"}', "My.ProminenceRequiredRegions": '{"eu"}'},
    ),
]


@pytest.mark.parametrize(("document", "lines"), LINES)
def test_what_a_document_asks_for_is_requested(document: dict[str, Any], lines: dict[str, str]) -> None:
    description = described(job(**document))
    assert {name: description.get(name) for name in lines} == lines


@pytest.mark.parametrize(
    ("document", "absent"),
    [
        ({}, "leave_in_queue"),
        ({}, "My.JobBatchName"),
        ({}, "My.ProminenceLabels"),
        ({}, "My.ProminenceMaximumTimeInQueue"),
        (policies(maximumTimeInQueue=-1), "My.ProminenceMaximumTimeInQueue"),
        (policies(autoScalingType="shared"), "My.ProminenceScaling"),
        ({}, "My.ProminenceScaling"),
        ({}, "My.ProminencePreemptible"),
        ({}, "My.ProminenceCpusMax"),
    ],
)
def test_what_a_document_leaves_open_is_not_said(document: dict[str, Any], absent: str) -> None:
    assert absent not in described(job(**document))


def ended(code: int, completions: int = 1, workers_failures: int = 0, **more: Any) -> dict[str, Any]:
    """An ad at the end of a run; of the runs that ended so far `workers_failures` were on hold afterwards."""
    holds = {"NumHolds": workers_failures, "NumHoldsByReason": {"JobPolicy": workers_failures}}
    return {"ExitCode": code, "NumJobCompletions": completions, **(holds if workers_failures else {}), **more}


KILLED = {"ExitBySignal": True, "ExitSignal": 9, "ExitCode": None}
ENDS = [
    # maximumRetries, the ad, and whether the job is held for another worker, runs again, or has ended
    (0, ended(0), "ends"),
    (0, ended(1), "ends"),
    (2, ended(0, 1), "ends"),
    (2, ended(1, 1), "runs again"),
    (2, ended(1, 2), "runs again"),
    (2, ended(1, 3), "ends"),
    (1, ended(65, 1), "runs again"),
    (1, ended(66, 2), "ends"),
    (2, ended(68, 1), "ends"),
    (0, ended(67, 1), "held"),
    (0, ended(70, 2, 1), "held"),
    (0, ended(0, 1) | KILLED, "held"),
    (0, ended(0, 3, 2) | KILLED, "ends"),
    (3, ended(0, 3, 2) | KILLED, "ends"),
    (3, ended(70, 3, 2), "ends"),
    (1, ended(1, 2, 1), "runs again"),
    (1, ended(1, 3, 2), "runs again"),
    (1, ended(1, 4, 2), "ends"),
    (1, ended(0, 3, 2), "ends"),
]


@pytest.mark.parametrize(("retries", "ad", "becomes"), ENDS)
def test_a_worker_that_fails_costs_no_retry_and_a_task_that_fails_does(
    retries: int, ad: dict[str, Any], becomes: str
) -> None:
    description = described(job(**policies(maximumRetries=retries)))
    at_end = classad2.ClassAd(
        {"ExitBySignal": False, **{name: value for name, value in ad.items() if value is not None}}
    )
    held, gone = (classad2.ExprTree(description[name]).eval(at_end) for name in ("on_exit_hold", "on_exit_remove"))
    assert ("held" if held is True else "ends" if gone is True else "runs again") == becomes


def test_the_executor_is_sent_with_the_jobs_file_and_its_token_and_brings_back_its_report() -> None:
    description = described(job())
    assert description["executable"] == "/srv/program/worker.pyz"
    assert description["initialdir"] == f"/srv/sandboxes/{SUBMISSION}"
    assert description["transfer_input_files"].split(",") == ["job.json", "token"]
    assert description["transfer_output_files"].split(",")[0] == "report.json"
    assert "arguments" not in description
    assert "environment" not in description


@pytest.mark.parametrize(
    ("subject", "issuer", "owner"),
    [
        ("alice", ISSUER, "alice"),
        ("alice", "https://other.example.org", "alice-[a-z2-7]{10}"),
        ("root", ISSUER, "u_root-[a-z2-7]{10}"),
        ('x" || true', ISSUER, "x_true-[a-z2-7]{10}"),
    ],
)
def test_the_owner_is_the_end_user_in_a_safe_form(subject: str, issuer: str, owner: str) -> None:
    description = described(job(), context(subject, issuer))
    assert re.fullmatch(owner, description["accounting_group_user"])
    assert description["My.Owner"] == f'"{description["accounting_group_user"]}"'


def test_the_accounting_group_is_the_callers_first_vo() -> None:
    description = described(job(), context(groups=("vo.example.eu", "other")))
    assert description["accounting_group"] == "vo_example_eu"
    assert ad_of(description)[attributes.Job.GROUP] == "vo.example.eu"


@pytest.mark.parametrize("text", AWKWARD)
def test_who_submits_stands_in_the_ad_as_a_literal(text: str) -> None:
    ad = ad_of(described(job(), context(subject=text, issuer=text, groups=(text,))))
    assert ad[attributes.Job.USER] == ad[attributes.Job.ISSUER] == ad[attributes.Job.GROUP] == escaped(text)


@pytest.mark.parametrize("text", AWKWARD)
def test_sites_and_regions_stand_in_the_ad_as_literals_and_never_in_the_requirements(text: str) -> None:
    where = {"sites": [text, "A"], "regions": [text]}
    description = described(job(policies={"placement": {"requirements": where}}))
    plain = described(job(policies={"placement": {"requirements": {"sites": ["A"], "regions": ["B"]}}}))
    assert description["requirements"] == plain["requirements"]
    ad = ad_of(description)
    assert ad[attributes.Job.REQUIRED_SITES] == [escaped(text), "A"]
    assert ad[attributes.Job.REQUIRED_REGIONS] == [escaped(text)]


@pytest.mark.parametrize("text", AWKWARD)
def test_the_document_comes_back_from_the_ad_as_it_was_sent(text: str) -> None:
    document = job(tasks=[{"image": "busybox", "env": {"TEXT": text}}])
    shown = json.loads(ad_of(described(document))[attributes.Job.DOCUMENT])
    assert shown == redacted(document)
    assert shown["tasks"][0]["env"]["TEXT"] == text


def test_labels_of_any_letters_are_literals() -> None:
    ad = ad_of(described(job(labels={"k": "ünï/1", "project": "x_1"})))
    assert ad[attributes.Job.LABELS] == [escaped("k=ünï/1"), "project=x_1"]


def runs_on(document: dict[str, Any], machine: dict[str, Any]) -> bool:
    """Whether the job's requirements hold for a worker with these attributes."""
    description = described(job(**document))
    return classad2.ExprTree(description["requirements"]).eval(ad_of(description), classad2.ClassAd(machine)) is True


def at(site: str, region: str) -> dict[str, str]:
    return {str(attributes.Machine.SITE): site, str(attributes.Machine.REGION): region}


@pytest.mark.parametrize(
    ("machine", "runs"),
    [(at("A", "eu"), True), (at("B", "eu"), True), (at("C", "eu"), False), (at("A", "us"), False), ({}, False)],
)
def test_a_job_runs_only_where_its_requirements_say(machine: dict[str, str], runs: bool) -> None:
    where = {"sites": ["A", "B"], "regions": ["eu"]}
    assert runs_on(policies(placement={"requirements": where}), machine) == runs


@pytest.mark.parametrize(
    "placement", [{}, {"requirements": {}}, {"requirements": {"sites": []}}, {"preferences": {"sites": ["A"]}}]
)
def test_a_job_that_requires_no_place_runs_anywhere(placement: dict[str, Any]) -> None:
    assert runs_on(policies(placement=placement), at("B", "us"))
    assert runs_on(policies(placement=placement), {})


OWN = {"ProminencePurpose": "own", "Cpus": 4, "TotalSlotCpus": 4, "SlotType": "Partitionable"}


@pytest.mark.parametrize(
    ("scaling", "machine", "runs"),
    [
        (None, {}, True),
        (None, {"ProminencePurpose": "shared"}, True),
        (None, OWN, False),
        ("shared", OWN, False),
        ("none", OWN, False),
        ("dedicated", {}, False),
        ("dedicated", {"ProminencePurpose": "shared"}, False),
        ("dedicated", OWN, True),
        # Another one runs there already.
        ("dedicated", OWN | {"Cpus": 3}, False),
        # What is left of an earlier run of the user's.
        ("dedicated", OWN | {"Cpus": 1, "SlotType": "Dynamic"}, True),
    ],
)
def test_dedicated_jobs_and_others_do_not_meet(scaling: str | None, machine: dict[str, Any], runs: bool) -> None:
    assert runs_on(policies(autoScalingType=scaling), machine) == runs


@pytest.mark.parametrize(
    ("preemptible", "machine", "runs"),
    [(False, True, False), (True, True, True), (False, False, True), (False, None, True)],
)
def test_a_job_that_must_not_be_withdrawn_runs_on_workers_that_stay(
    preemptible: bool, machine: bool | None, runs: bool
) -> None:
    found = {} if machine is None else {"ProminencePreemptible": machine}
    assert runs_on(policies(preemptible=preemptible), found) == runs


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({}, {"name": "x", "labels": {"a": "b"}, "inputs": [{"filename": "f", "content": ""}]}, True),
        ({}, policies(maximumRetries=3), True),
        ({}, policies(autoScalingType="shared"), True),
        ({}, policies(autoScalingType="none"), False),
        ({}, policies(preemptible=True), False),
        ({}, policies(maximumTimeInQueue=5), False),
        ({}, policies(placement={"requirements": {"sites": ["A"]}}), False),
        ({}, resources(cpus=2, memory=1), False),
        (resources(cpusRange=[1, 2], memory=1), resources(cpusRange=[1, 3], memory=1), False),
        (resources(cpusRange=[1, 2], memory=1), resources(cpusOptions=[1, 2], memory=1), False),
    ],
)
def test_jobs_are_alike_if_they_can_run_in_the_same_places(
    one: dict[str, Any], other: dict[str, Any], alike: bool
) -> None:
    first, second = (ad_of(described(job(**document)))[attributes.Job.DEMAND] for document in (one, other))
    assert (first == second) == alike


def test_the_users_group_is_that_of_the_clause() -> None:
    lines = described(job(), context(groups=("Bio", "geo")))
    assert lines["accounting_group"] == group_slug("Bio")


def test_nothing_secret_stands_in_the_description() -> None:
    document = job(
        tasks=[{"image": "busybox", "imagePullCredential": {"username": "u", "token": "S3CRET"}}],
        inputs=[{"filename": "in.txt", "content": "UEFZTE9BRA=="}],
    )
    text = "\n".join(described(document).values())
    assert "S3CRET" not in text
    assert "UEFZTE9BRA==" not in text


@pytest.mark.parametrize("text", AWKWARD)
def test_every_line_is_one_line_of_ascii(text: str) -> None:
    document = job(tasks=[{"image": "busybox", "cmd": "true", "env": {"A": f"{text}\n\r\t\x01"}}])
    for value in described(document, context(subject=text)).values():
        assert value.isascii()
        assert value.isprintable()


@pytest.mark.parametrize(
    ("document", "at_least"),
    [
        (resources(cpus=1, memory=1, walltime=60) | policies(maximumTimeInQueue=120), 3 * _HOUR),
        (
            resources(cpus=1, memory=1, walltime=60) | policies(maximumTimeInQueue=120, maximumRetries=2),
            5 * _HOUR,
        ),
        (resources(cpus=1, memory=1, walltime=60), 31 * _DAY + _HOUR),
        (resources(cpus=1, memory=1, walltime=60) | policies(maximumTimeInQueue=0), 31 * _DAY + _HOUR),
    ],
)
def test_the_token_outlives_the_job_by_a_day_and_no_more(document: dict[str, Any], at_least: int) -> None:
    assert at_least < token_lifetime(job(**document)) <= at_least + _DAY


@pytest.mark.parametrize(
    ("site", "region", "rank"), [("A", "EU", 3), ("A", "US", 2), ("B", "EU", 1), ("B", "US", 0), (None, None, 0)]
)
def test_a_preferred_site_goes_before_a_preferred_region(site: str | None, region: str | None, rank: int) -> None:
    preferred = policies(placement={"preferences": {"sites": ["A"], "regions": ["EU"]}})
    lines = described(job(**preferred))
    ad = ad_of(lines)
    ad["Rank"] = classad2.ExprTree(lines["rank"])
    machine = classad2.ClassAd()
    if site is not None and region is not None:
        machine["ProminenceSite"], machine["ProminenceRegion"] = site, region
    assert ad.lookup("Rank").eval(ad, machine) == rank
