"""Jobs between the queue and the database: never invisible, never twice, never another user's."""

from __future__ import annotations

from typing import Any

import pytest

import api.records.departed
from api.records.departed import Departed
from api.records.finished import FinishedJobs, Query
from api.records.history import History
from api.records.readings import readings
from api.records.recorder import Recorder
from api.records.schema import open_database
from database.errors import DatabaseUnavailable
from pool.submission import escaped
from tests.unit.api.records.finished_ads import Ad, finished_ad, leave

ALICE = ("https://issuer", "alice")


@pytest.fixture
def history(departed: Departed, finished: FinishedJobs) -> History:
    return History(departed, finished)


def left(history: History, **changes: Any) -> Ad:
    """A job that left the queue a moment ago."""
    ad = finished_ad(**changes)
    leave(history.departed.files.folder, ad)
    return ad


def recorded(history: History, **changes: Any) -> Ad:
    """A job that is in the database."""
    ad = left(history, **changes)
    Recorder(history.departed, history.finished).sweep()
    return ad


def ids(history: History, **query: Any) -> list[int]:
    return [job.ad["ClusterId"] for job in history.select(Query(*ALICE, **query))]


def test_a_job_is_seen_by_its_id_before_and_after_it_is_recorded(history: History) -> None:
    number = left(history)["ClusterId"]
    before = history.by_id(number)
    assert before is not None
    assert history.departed.find(number) == before
    Recorder(history.departed, history.finished).sweep()
    assert history.departed.find(number) is None
    after = history.by_id(number)
    assert after is not None
    assert {name: before.ad[name] for name in after.ad} == after.ad
    assert history.by_id(10**9) is None


def test_lists_put_both_together_each_job_once_the_last_first(history: History) -> None:
    old = recorded(history, CompletionDate=100)
    new = left(history, CompletionDate=300)
    middle = recorded(history, CompletionDate=200)
    leave(history.departed.files.folder, old)
    newer = left(history, CompletionDate=400)
    expected = [job["ClusterId"] for job in (newer, new, middle, old)]
    assert ids(history) == expected
    for limit in range(5):
        assert ids(history, limit=limit) == expected[:limit]


@pytest.mark.parametrize("where", [left, recorded])
def test_lists_select_alike_before_and_after(history: History, where: Any) -> None:
    name, label = "a b/ü", "k=ü_1"
    plain = where(history)
    named = where(history, JobBatchName=escaped(name), DAGManJobId=4)
    labelled = where(history, ProminenceLabels=["x=y", escaped(label)])
    where(history, ProminenceUser="bob")
    where(history, ProminenceIssuer="https://other")
    assert ids(history) == [job["ClusterId"] for job in (labelled, named, plain)]
    assert ids(history, name=name) == [named["ClusterId"]]
    assert ids(history, label=label) == [labelled["ClusterId"]]
    assert ids(history, label="x=z") == []
    assert ids(history, workflow=4) == [named["ClusterId"]]
    assert ids(history, ids=(plain["ClusterId"], named["ClusterId"] + 100)) == [plain["ClusterId"]]
    assert ids(history, ids=(plain["ClusterId"],), name=name) == []


def test_a_subject_cannot_pass_for_another_by_its_characters(history: History) -> None:
    odd = left(history, ProminenceUser=escaped('bob"\nProminenceUser = "alice'))
    assert ids(history) == []
    found = history.select(Query("https://issuer", 'bob"\nProminenceUser = "alice'))
    assert [job.ad["ClusterId"] for job in found] == [odd["ClusterId"]]


def test_a_broken_file_hides_no_other(history: History) -> None:
    (history.departed.files.folder / "history.999999.0").write_text('ProminenceUser = "alice"\nhalf')
    number = left(history)["ClusterId"]
    assert ids(history) == [number]
    assert history.departed.find(999999) is None


def test_of_many_that_wait_the_newest_are_listed(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.records.departed, "MOST_READ", 3)
    numbers = [left(history)["ClusterId"] for _ in range(6)]
    assert ids(history) == numbers[:2:-1]
    assert history.by_id(numbers[0]) is not None


def test_a_job_that_waits_is_shown_while_the_database_is_away(departed: Departed, tmp_path: Any) -> None:
    history = History(departed, FinishedJobs(open_database(f"sqlite:///{tmp_path}/absent/records.sqlite")))
    number = left(history)["ClusterId"]
    assert history.by_id(number) is not None
    with pytest.raises(DatabaseUnavailable):
        history.by_id(number + 1)
    with pytest.raises(DatabaseUnavailable):
        history.select(Query(*ALICE))


def test_the_lag_is_the_age_of_the_job_that_waits_longest(departed: Departed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert departed.lag(now=1.0).pending == 0
    assert departed.lag(now=1.0).seconds == 0
    first, second = (leave(departed.files.folder, finished_ad()) for _ in range(2))
    written = min((departed.files.folder / name).stat().st_mtime for name in (first, second))
    lag = departed.lag(now=written + 60)
    assert lag.pending == 2
    assert lag.seconds == pytest.approx(60)
    monkeypatch.setattr(api.records.departed, "MOST_COUNTED", 1)
    assert departed.lag(now=written + 60).pending == 1


def test_prometheus_is_told_of_the_lag_as_it_is_when_it_asks(departed: Departed) -> None:
    now = [0.0]
    looks = {name: look for name, _, look in readings(departed, lambda: now[0])}
    assert [look() for look in looks.values()] == [0, 0]
    now[0] = (departed.files.folder / leave(departed.files.folder, finished_ad())).stat().st_mtime + 60
    assert looks["prominence_recorder_lag_seconds"]() == pytest.approx(60)
    assert looks["prominence_recorder_pending_jobs"]() == 1
