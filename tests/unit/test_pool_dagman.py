"""What DAGMan's ad and its log of states tell of a workflow."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import htcondor2
import pytest

from pool.dagman import NODES_LOG, AccessPoint, Progress, dagman_job, first_failure, joined, progress, succeeded
from pool.numbers import FIRST_CLUSTER, LARGEST_ID, LAST_CLUSTER, instance_id, instance_of

A, B = "a" * 32, "b" * 32
LOG = f"""\
1 INTERNAL *** DAGMAN_STARTED 7.0 ***
2 {A} SUBMIT 8.0 - - 1
2 J0 JOB_SUCCESS 0 - - 4
3 {A} JOB_SUCCESS 0 - - 1
4 {B} JOB_FAILURE 1 - - 2
"""
RETRIED = f"""\
1 {A} JOB_FAILURE 1 - - 1
2 {B} JOB_FAILURE 1 - - 2
3 {A} JOB_SUCCESS 0 - - 1
"""


def ad(**counts: int) -> dict[str, Any]:
    return {f"DAG_Nodes{name}": value for name, value in counts.items()}


@pytest.mark.parametrize(
    ("told", "joins", "expected"),
    [
        ({}, 0, Progress(10)),
        (ad(Total=10, Done=0, Failed=0, Queued=0), 0, Progress(10)),
        (ad(Total=10, Done=3, Failed=2, Queued=4, Prerun=1), 0, Progress(10, 3, 2, 5)),
        (ad(Total=12, Done=5, Failed=0, Queued=1), 2, Progress(10, 3, 0, 1)),
        (ad(Total=10, Done=10, Failed=0, Queued=0), 0, Progress(10, 10)),
    ],
)
def test_progress_counts_instances(told: dict[str, Any], joins: int, expected: Progress) -> None:
    found = progress(told, 10, joins)
    assert found == expected
    assert found.done + found.failed + found.queued + found.waiting == 10


def test_the_log_of_states_says_what_failed_first_and_what_ended_well(tmp_path: Path) -> None:
    log = tmp_path / "states.log"
    log.write_text(LOG)
    assert first_failure(log) == B
    assert succeeded(log) == {A}
    assert joined(log, ["J0", "J1"]) == 1


def test_what_could_not_be_put_into_the_queue_has_failed(tmp_path: Path) -> None:
    log = tmp_path / "states.log"
    log.write_text(f"1 {A} SUBMIT_FAILURE - - - 1\n2 {B} SUBMIT_FAILURE - - - 2\n3 {A} JOB_SUCCESS 0 - - 1\n")
    assert first_failure(log) == B


def test_the_first_failure_of_very_many_is_found_at_once(tmp_path: Path) -> None:
    log = tmp_path / "states.log"
    names = [f"{number:032x}" for number in range(20_000)]
    failed = [f"1 {name} JOB_FAILURE 1 - - 1\n" for name in names]
    log.write_text("".join(failed + [f"2 {name} JOB_SUCCESS 0 - - 1\n" for name in names[:-1]]))
    began = time.process_time()
    assert first_failure(log) == names[-1]
    assert time.process_time() - began < 2


def test_what_ended_well_in_a_later_try_did_not_fail(tmp_path: Path) -> None:
    log = tmp_path / "states.log"
    log.write_text(RETRIED)
    assert first_failure(log) == B


@pytest.mark.parametrize("text", [None, ""])
def test_without_a_log_nothing_is_known(tmp_path: Path, text: str | None) -> None:
    log = tmp_path / "states.log"
    if text is not None:
        log.write_text(text)
    assert first_failure(log) is None
    assert succeeded(log) == set()
    assert joined(log, ["J0"]) == 0


def test_dagman_is_started_with_exactly_these_words_whatever_is_in_a_path() -> None:
    at = AccessPoint("/opt/a 'b' \"c\"/condor_dagman", "/etc/it's here")
    submit = htcondor2.Submit(dagman_job(Path("/srv/jobs/x"), at, 17))
    assert submit["arguments"].startswith("\"'-p' '0' ")
    assert "'-MaxIdle' '17'" in submit["arguments"]
    assert "'/opt/a ''b'' \"\"c\"\"/condor_dagman'" in submit["arguments"]
    assert "'CONDOR_CONFIG=/etc/it''s here'" in submit["environment"]


@pytest.mark.parametrize(("workflow", "number"), [(FIRST_CLUSTER, 0), (1042, 17), (LAST_CLUSTER, 999_999)])
def test_ids_of_instances_are_unlike_those_of_jobs_and_lead_back(workflow: int, number: int) -> None:
    made = instance_id(workflow, number)
    assert LAST_CLUSTER < made <= LARGEST_ID < 2**53
    assert instance_of(made) == (workflow, number)
    assert instance_of(workflow) is None


def test_the_pool_is_configured_with_the_names_and_numbers_that_the_code_has() -> None:
    folder = Path(__file__).parents[2] / "condor_config"
    lines = dict(
        line.split(" = ", 1) for line in (folder / "submit.conf").read_text().splitlines() if line.count(" = ") == 1
    )
    assert lines["DAGMAN_DEFAULT_NODE_LOG"] == NODES_LOG
    assert f"/*/{NODES_LOG})" in (folder / "shadow").read_text()
    assert int(lines["SCHEDD_CLUSTER_INITIAL_VALUE"]) == FIRST_CLUSTER
    assert int(lines["SCHEDD_CLUSTER_MAXIMUM_VALUE"]) == LAST_CLUSTER
