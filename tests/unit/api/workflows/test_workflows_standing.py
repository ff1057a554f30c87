"""How the instances of a workflow stand, from DAGMan's log of states."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from api.workflows.plan import Part, Plan
from api.workflows.standing import KEPT, Counts, Standings
from pool import node_states
from pool.dagman import STATES_FILE
from pool.node_states import NodeState

STEM = "0ee84ee9ea3849bb88da8968"
SWEEP = {"type": "repeat", "number": 4}


def plan(*, done: Iterable[int] = (), stem: str = STEM) -> Plan:
    """A sweep of four instances, and a job after it."""
    parts = (Part("sweep", 0, {"name": "sweep"}, SWEEP), Part("last", 4, {"name": "last"}))
    return Plan(f"{stem}ffffffff", "flow", parts, ((0, 1),), None, frozenset(done))


def line(number: int, event: str, stem: str = STEM) -> str:
    return f"1795451693 {stem}{number:08x} {event} 1019.0 - - 2\n"


def log(folder: Path, *lines: str) -> None:
    with (folder / STATES_FILE).open("a") as file:
        file.write("".join(lines))


def sweep(folder: Path, standings: Standings | None = None, *, over: bool = False, done: Iterable[int] = ()) -> Counts:
    return (standings or Standings()).counts(plan(done=done), folder, over)[0]


def test_before_there_is_a_log_all_wait(tmp_path: Path) -> None:
    assert Standings().counts(plan(), tmp_path, False) == [Counts(waiting=4), Counts(waiting=1)]


def test_each_instance_counts_as_its_last_event_says(tmp_path: Path) -> None:
    log(tmp_path, "1795451692 INTERNAL *** DAGMAN_STARTED 1017.0 ***\n")
    log(tmp_path, *(line(number, "SUBMIT") for number in range(4)), *(line(number, "EXECUTE") for number in (1, 2, 3)))
    log(tmp_path, line(2, "JOB_TERMINATED"), line(2, "JOB_SUCCESS"), line(3, "JOB_TERMINATED"), line(3, "JOB_FAILURE"))
    assert sweep(tmp_path) == Counts(queued=1, running=1, done=1, failed=1)


@pytest.mark.parametrize(
    ("event", "counts"),
    [
        ("JOB_EVICTED", Counts(queued=1)),
        ("JOB_HELD", Counts(queued=1)),
        ("JOB_RECONNECT_FAILED", Counts(queued=1)),
        ("JOB_DISCONNECTED", Counts(running=1)),
        ("JOB_TERMINATED", Counts(running=1)),
        ("JOB_ABORTED", Counts(failed=1)),
        ("SUBMIT_FAILURE", Counts(failed=1)),
    ],
)
def test_what_happens_to_a_running_instance_shows(tmp_path: Path, event: str, counts: Counts) -> None:
    log(tmp_path, line(0, "SUBMIT"), line(0, "EXECUTE"), line(0, event))
    assert sweep(tmp_path) == replace(counts, waiting=3)


def test_an_instance_that_is_tried_again_has_not_failed(tmp_path: Path) -> None:
    log(tmp_path, line(0, "SUBMIT"), line(0, "EXECUTE"), line(0, "JOB_FAILURE"), line(0, "SUBMIT"))
    assert sweep(tmp_path) == Counts(waiting=3, queued=1)


def test_what_is_done_stays_done_when_dagman_tells_again_what_it_told(tmp_path: Path) -> None:
    log(tmp_path, line(0, "SUBMIT"), line(0, "JOB_SUCCESS"), line(0, "SUBMIT"), line(0, "EXECUTE"))
    assert sweep(tmp_path) == Counts(waiting=3, done=1)


def test_when_the_workflow_is_over_nothing_runs_any_more(tmp_path: Path) -> None:
    log(tmp_path, line(0, "SUBMIT"), line(0, "EXECUTE"), line(1, "SUBMIT"), line(2, "JOB_SUCCESS"))
    assert sweep(tmp_path, over=True) == Counts(waiting=1, done=1, failed=2)


def test_what_was_done_before_a_rerun_counts_as_done(tmp_path: Path) -> None:
    assert sweep(tmp_path, done=[0, 3]) == Counts(waiting=2, done=2)
    log(tmp_path, line(1, "SUBMIT"))
    assert sweep(tmp_path, done=[0, 3]) == Counts(waiting=1, queued=1, done=2)


def test_joins_strange_numbers_and_half_a_line_are_passed_over(tmp_path: Path) -> None:
    strange = [
        line(5, "SUBMIT"),
        line(0xFFFFFFFF, "SUBMIT"),
        "1795451693 J0 JOB_SUCCESS - - - 2\n",
        "\n",
        "x" * 99 + "\n",
    ]
    log(tmp_path, *strange, line(0, "SUBMIT"), line(1, "SUBMIT")[:50])
    assert sweep(tmp_path) == Counts(waiting=3, queued=1)


def test_a_line_that_was_cut_by_the_first_look_is_read_by_the_next(tmp_path: Path) -> None:
    standings, whole = Standings(), line(0, "SUBMIT") + line(0, "EXECUTE")
    seen = []
    for before, after in itertools.pairwise([0, 50, len(whole) - 1, len(whole)]):
        log(tmp_path, whole[before:after])
        seen.append(sweep(tmp_path, standings))
    assert seen == [Counts(waiting=4), Counts(waiting=3, queued=1), Counts(waiting=3, running=1)]


def test_nothing_is_read_twice(tmp_path: Path) -> None:
    standings, first = Standings(), line(0, "SUBMIT")
    log(tmp_path, first)
    sweep(tmp_path, standings)
    with (tmp_path / STATES_FILE).open("r+") as file:
        file.write(first.replace("SUBMIT", "EXECUT"))
        file.seek(0)
        file.write(line(3, "SUBMIT"))
    log(tmp_path, line(1, "EXECUTE"))
    assert sweep(tmp_path, standings) == Counts(waiting=2, queued=1, running=1)


def test_a_log_that_was_put_anew_is_read_anew(tmp_path: Path) -> None:
    standings = Standings()
    log(tmp_path, line(0, "SUBMIT"), line(1, "SUBMIT"))
    assert sweep(tmp_path, standings).queued == 2
    (tmp_path / STATES_FILE).rename(tmp_path / "old")
    assert sweep(tmp_path, standings) == Counts(waiting=4)
    log(tmp_path, line(2, "EXECUTE"), line(3, "EXECUTE"))
    assert sweep(tmp_path, standings) == Counts(waiting=2, running=2)


def test_a_log_of_many_pieces_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_states, "_PIECE", 100)
    log(tmp_path, *(line(number, "SUBMIT") for number in range(4)), line(4, "EXECUTE"))
    assert Standings().counts(plan(), tmp_path, False) == [Counts(queued=4), Counts(running=1)]


def test_workflows_beyond_those_kept_are_read_anew_and_right(tmp_path: Path) -> None:
    standings = Standings()
    stems = [f"{index:024x}" for index in range(KEPT + 3)]
    for stem in stems * 2:
        folder = tmp_path / stem
        folder.mkdir(exist_ok=True)
        log(folder, line(0, "SUBMIT", stem))
        assert standings.counts(plan(stem=stem), folder, False)[0] == Counts(waiting=3, queued=1)
    assert len(standings._kept) == KEPT


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        (Counts(running=1, failed=1, queued=1, done=1, waiting=1), NodeState.RUNNING),
        (Counts(failed=1, queued=1, done=1, waiting=1), NodeState.FAILED),
        (Counts(queued=1, done=1, waiting=1), NodeState.QUEUED),
        (Counts(done=1, waiting=1), NodeState.WAITING),
        (Counts(done=1), NodeState.DONE),
    ],
)
def test_a_job_as_a_whole_is_what_matters_most(counts: Counts, state: NodeState) -> None:
    assert counts.state is state
