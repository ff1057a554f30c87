"""Finished jobs in the database: shown as from the queue, stored once, found by what lists ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.jobs import view
from api.records.finished import FinishedJobs, Query, _statement
from api.records.projection import RECORDED, row
from api.records.schema import open_database
from api.records.usage import Usage
from database.errors import DatabaseRefused
from pool.history_files import parsed
from pool.submission import escaped
from tests.unit.api.records.finished_ads import Ad, as_file, finished_ad

REPORT: dict[str, Any] = {
    "version": 1,
    "reason": {"code": "x", "message": "Ünïcode \ud800 and \0."},
    "nodes": [
        {
            "site": "A\0\ud800" + "x" * 1000,
            "provisionedResources": {"cpus": 2, "memory": 4, "disk": 10},
            "cpu": {"vendor": "v"},
            "tasks": [{"exitCode": 3, "cpuTimeUsage": 40.5, "wallTimeUsage": 41.0, "retries": 0}],
        }
    ],
}
ALICE = ("https://issuer", "alice")


def store(finished: FinishedJobs, *ads: Ad, report: dict[str, Any] | None = None) -> None:
    finished.add([row(read(ad), report) for ad in ads])


def read(ad: Ad) -> Ad:
    """The ad as the recorder reads it."""
    return parsed("history.1.0", as_file(ad).encode(), RECORDED)


def ids(finished: FinishedJobs, user: tuple[str, str] = ALICE, **query: Any) -> list[int]:
    return [job.ad["ClusterId"] for job in finished.select(Query(*user, **query))]


@pytest.mark.parametrize("detail", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ExitCode": 65},
        {
            "JobStatus": 3,
            "RemoveReason": "deleted by its user",
            "CompletionDate": 0,
            "EnteredCurrentStatus": 1_700_000_200,
        },
        {"JobStatus": 3, "HoldReasonCode": 46, "RemoveReason": "could not go on"},
    ],
)
def test_a_finished_job_is_shown_as_from_the_queue(
    finished: FinishedJobs, changes: dict[str, Any], detail: bool
) -> None:
    ad = finished_ad(**changes)
    store(finished, ad, report=REPORT)
    kept = finished.by_id(ad["ClusterId"])
    assert kept is not None
    assert view.job(kept.ad, kept.report, detail) == view.job(read(ad), REPORT, detail)


def test_a_job_that_is_stored_twice_is_there_once(finished: FinishedJobs) -> None:
    one, other = finished_ad(ProminenceLabels=["a=b"]), finished_ad(ProminenceLabels=["a=b", "c=d"])
    store(finished, one)
    store(finished, one, other)
    store(finished, one, other)
    assert finished.count() == 2
    assert ids(finished, label="a=b") == [other["ClusterId"], one["ClusterId"]]


def test_instances_of_one_submission_are_jobs_of_their_own(finished: FinishedJobs) -> None:
    first = finished_ad()
    store(finished, first, {**first, "ProcId": 1})
    assert finished.count() == 2


def test_lists_show_the_job_that_ended_last_first(finished: FinishedJobs) -> None:
    early, late, middle = (finished_ad(CompletionDate=end) for end in (100, 300, 200))
    store(finished, early, late, middle)
    assert ids(finished) == [job["ClusterId"] for job in (late, middle, early)]
    assert ids(finished, limit=2) == [late["ClusterId"], middle["ClusterId"]]
    assert ids(finished, limit=0) == []


def test_jobs_are_found_by_name_label_id_and_workflow(finished: FinishedJobs) -> None:
    name, label = "a b/ü", "k=ü_1"
    plain, named = finished_ad(), finished_ad(JobBatchName=escaped(name))
    labelled = finished_ad(ProminenceLabels=[escaped(label), "x=y"])
    node = finished_ad(DAGManJobId=77, JobBatchName=escaped(name))
    store(finished, plain, named, labelled, node)
    assert ids(finished, name=name) == [node["ClusterId"], named["ClusterId"]]
    assert ids(finished, name="") == [labelled["ClusterId"], plain["ClusterId"]]
    assert ids(finished, label=label) == [labelled["ClusterId"]]
    assert ids(finished, label="k=") == []
    assert ids(finished, workflow=77) == [node["ClusterId"]]
    assert ids(finished, workflow=77, name="other") == []
    assert ids(finished, ids=(plain["ClusterId"], named["ClusterId"], 10**9)) == [
        named["ClusterId"],
        plain["ClusterId"],
    ]
    assert ids(finished, ids=(plain["ClusterId"],), name=name) == []
    assert ids(finished, ids=(labelled["ClusterId"], plain["ClusterId"]), label=label) == [labelled["ClusterId"]]


@pytest.mark.parametrize(
    "user",
    [("https://issuer", "bob"), ("https://issuer", "ALICE"), ("https://other", "alice"), ("https://issueralice", "")],
)
def test_one_user_does_not_see_anothers_jobs(finished: FinishedJobs, user: tuple[str, str]) -> None:
    job = finished_ad(ProminenceLabels=["a=b"], JobBatchName="n", DAGManJobId=5)
    store(finished, job)
    for query in ({}, {"ids": (job["ClusterId"],)}, {"name": "n"}, {"label": "a=b"}, {"workflow": 5}):
        assert ids(finished, user, **query) == []


def test_a_subject_of_awkward_characters_finds_its_jobs(finished: FinishedJobs) -> None:
    subject = 'x"\\" || \' %41 ☃ $(x)'
    job = finished_ad(ProminenceUser=escaped(subject))
    store(finished, job)
    assert ids(finished, (ALICE[0], subject)) == [job["ClusterId"]]
    assert ids(finished, (ALICE[0], escaped(subject))) == []


def test_after_a_queue_began_anew_an_id_is_the_latest_jobs(finished: FinishedJobs) -> None:
    old, new = finished_ad(ClusterId=7, CompletionDate=1000), finished_ad(ClusterId=7, CompletionDate=2000)
    store(finished, new, old)
    found = finished.by_id(7)
    assert found is not None
    assert found.ad["ProminenceSubmission"] == new["ProminenceSubmission"]
    assert finished.count() == 2
    assert finished.id_of(old["ProminenceSubmission"]) == 7
    assert finished.id_of("unknown") is None


def test_a_job_that_was_run_again_is_one_job_that_used_what_all_its_runs_used(finished: FinishedJobs) -> None:
    first = finished_ad()
    second = {**first, "ClusterId": first["ClusterId"] + 1, "ExitCode": 65, "RemoteWallClockTime": 30.0}
    for _ in range(2):  # who was killed in between stores again what was stored
        store(finished, first, second)
    assert [job.ad["ExitCode"] for job in finished.select(Query(*ALICE))] == [65]
    used = Usage(finished._database).of_user(ALICE, 0, 2**40)
    assert [(one.cpu_seconds, one.wall_seconds, one.jobs) for one in used.values()] == [(50, 80, 1)]


def test_a_batch_is_stored_whole_or_not_at_all(finished: FinishedJobs) -> None:
    good, bad = row(read(finished_ad()), None), row(read(finished_ad()), None)
    bad["name"] = None
    with pytest.raises(DatabaseRefused):
        finished.add([good, bad])
    assert finished.count() == 0
    finished.add([good])
    assert finished.count() == 1


def test_the_columns_of_a_job_say_what_it_used() -> None:
    made = row(read(finished_ad(RequestCpus=4, MaxHosts=2, DAGManJobId=9, JobBatchName="n")), REPORT)
    assert (made["cpus"], made["nodes"], made["workflow"], made["site"]) == (4, 2, 9, ("A?" + "x" * 1000)[:256])
    assert (made["wall_seconds"], made["core_seconds"], made["cpu_seconds"]) == (50, 400, 40.5)
    assert (made["status"], made["name"], made["vo"], made["started"]) == ("completed", "n", "vo", 1_700_000_050)
    assert row(read(finished_ad()), None)["cpu_seconds"] == 25


@pytest.mark.parametrize(
    ("most", "provisioned", "cpus"),
    [(None, 8, 2), (6, 4, 4), (6, 8, 6), (6, 1, 2), (6, None, 2), (6, "x", 2), ("x", 8, 2)],
)
def test_of_a_job_of_open_size_what_it_got_counts(most: Any, provisioned: Any, cpus: int) -> None:
    more = {} if most is None else {"ProminenceCpusMax": most}
    made = row({**read(finished_ad(RequestCpus=2)), **more, "CpusProvisioned": provisioned}, REPORT)
    assert (made["cpus"], made["core_seconds"]) == (cpus, 50 * cpus)


def test_a_workflow_itself_uses_nothing() -> None:
    made = row(read(finished_ad(ProminenceInstances=3, RemoteUserCpu=0.0, RemoteSysCpu=0.0)), {"reason": ""})
    assert (made["wall_seconds"], made["core_seconds"], made["cpu_seconds"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [(10, 10.75, 0.75), (10, 9, 0), (None, 5, 0), (10, None, 0), (0, 1e9, 0), ("x", "y", 0)],
)
def test_a_job_of_less_than_a_second_has_the_wall_time_that_was_measured(start: Any, end: Any, seconds: float) -> None:
    ad = {**read(finished_ad()), "RemoteWallClockTime": 0}
    assert row(ad, {"nodes": [{"startTime": start, "endTime": end}]})["wall_seconds"] == seconds


@pytest.mark.parametrize("value", [None, "x", -1, 1e300, [], {}, True])
def test_numbers_that_make_no_sense_count_as_nothing(value: Any) -> None:
    report = {"nodes": [{"site": value, "tasks": [{"cpuTimeUsage": value}, 3]}, "x"]}
    made = row({**read(finished_ad()), "RemoteWallClockTime": value, "RequestCpus": value, "MaxHosts": value}, report)
    assert made["wall_seconds"] <= 1
    assert (made["cpus"], made["nodes"], made["cpu_seconds"]) == (1, 1, 25)
    assert json.dumps(made["site"])


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"limit": 100}, "jobs_by_person"),
        ({"name": "n", "limit": 1}, "jobs_by_name"),
        ({"label": "a=b", "limit": 1}, "job_labels_by_label"),
        ({"ids": (1, 2, 3)}, "jobs_by_id"),
        ({"ids": tuple(range(1000)), "name": "n"}, "jobs_by_id"),
    ],
)
def test_lists_read_an_index_and_nothing_more(tmp_path: Path, query: dict[str, Any], index: str) -> None:
    database = open_database(f"sqlite:///{tmp_path}/plan.sqlite")
    database.migrate()
    with database.reading() as connection:
        statement = _statement(Query(*ALICE, **query)).compile(connection, compile_kwargs={"render_postcompile": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(statement.params.values()) or ())
        lines = [line[-1] for line in plan]
    assert any(index in line for line in lines), lines
    assert not any("SCAN jobs" in line for line in lines), lines
    if "limit" in query:
        assert not any("TEMP B-TREE" in line for line in lines), lines
