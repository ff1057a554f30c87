"""Which ads of idle jobs are edited, and when."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_provisioner.observing.demand import Demand, Member, Said
from cloud_provisioner.observing.reasons import Change, Edit, changes, edits
from cloud_provisioner.planning.demand import Group, Needs
from cloud_provisioner.planning.reasons import Reason, Waiting
from pool.attributes import Job
from pool.submission import escaped

NOW = 10_000.0
FULL = "waiting: site A's quota is used up (64 of 64 cores); B tries again in 4 min after 2 failed boots"
QUOTA = Said("quota", FULL, "A")
COMING = Said("deploying", "deploying: a worker at A is being made", "A")


def demand(*said: Said, since: float = NOW - 600, key: str = "g", cluster: int = 1) -> Demand:
    group = Group(key, len(said), Needs(1, 1), "ann", "vo", since)
    return Demand((group,), {key: tuple(Member((cluster, proc), one) for proc, one in enumerate(said))})


def waiting(said: Said, count: int = 1, group: str = "g") -> Waiting:
    return Waiting(group, count, Reason(said.code), said.text, said.site or None)


def due(seen: Demand, *reasons: Waiting, changed_at: float | None = None) -> list[Change]:
    at = {} if changed_at is None else {"g": changed_at}
    return changes(seen, reasons, at, NOW, escaped)


def test_a_job_without_a_reason_gets_one_at_once() -> None:
    assert due(demand(Said()), waiting(QUOTA), changed_at=NOW) == [Change((1, 0), Said(), QUOTA, "g")]


def test_what_an_ad_says_already_is_not_written_again() -> None:
    assert due(demand(QUOTA), waiting(QUOTA)) == []


def test_the_oldest_jobs_get_the_first_reasons() -> None:
    found = due(demand(Said(), Said(), Said()), waiting(COMING, 1), waiting(QUOTA, 2))
    assert [(change.job, change.now.code) for change in found] == [
        ((1, 0), "deploying"),
        ((1, 1), "quota"),
        ((1, 2), "quota"),
    ]


@pytest.mark.parametrize(
    ("now_said", "silent", "written"),
    [
        (COMING, 7.9, False),
        (COMING, 8.1, True),
        (QUOTA._replace(site="B"), 8.1, True),
        (QUOTA._replace(text=FULL + "; C has no flavor with 256 GB"), 8.1, True),
        # Only numbers differ.
        (QUOTA._replace(text=FULL.replace("4 min", "200 s")), 59, False),
        (QUOTA._replace(text=FULL.replace("4 min", "200 s")), 61, True),
        (QUOTA._replace(text=FULL.replace("64 of 64", "63 of 64")), 59, False),
    ],
)
def test_a_change_is_written_soon_and_other_numbers_after_a_minute(
    now_said: Said, silent: float, written: bool
) -> None:
    assert bool(due(demand(QUOTA), waiting(now_said), changed_at=NOW - silent)) is written


def test_the_longer_a_job_has_waited_the_rarer_its_numbers_are_written() -> None:
    later = waiting(QUOTA._replace(text=FULL.replace("4 min", "3 min")))
    seen = demand(QUOTA, since=NOW - 7200)
    assert due(seen, later, changed_at=NOW - 700) == []
    assert due(seen, later, changed_at=NOW - 721)


def test_those_that_have_waited_longest_come_first() -> None:
    young, old = demand(Said(), key="a", since=NOW - 1), demand(Said(), key="b", since=NOW - 9, cluster=2)
    both = Demand(young.groups + old.groups, {**young.members, **old.members})
    found = changes(both, [waiting(QUOTA, group="a"), waiting(QUOTA, group="b")], {}, NOW, escaped)
    assert [change.group for change in found] == ["b", "a"]


def test_reasons_of_groups_that_are_gone_are_left_out() -> None:
    assert due(demand(Said()), waiting(QUOTA, group="gone"), waiting(QUOTA, 5)) == [
        Change((1, 0), Said(), QUOTA, "g"),
    ]


def test_one_call_sets_an_attribute_of_all_jobs_that_get_the_same() -> None:
    found = edits(due(demand(Said(), QUOTA, Said()), waiting(COMING, 3)))
    assert found == [
        Edit(Job.REASON_TEXT, COMING.text, ((1, 0), (1, 1), (1, 2))),
        Edit(Job.REASON_SITE, "A", ((1, 0), (1, 2))),
        Edit(Job.REASON, "deploying", ((1, 0), (1, 1), (1, 2))),
    ]


def test_a_site_that_no_longer_matters_is_taken_away() -> None:
    found = edits(due(demand(QUOTA), waiting(Said("noSites", "waiting: no site is configured that could run it", ""))))
    assert Edit(Job.REASON_SITE, None, ((1, 0),)) in found


def test_a_sentence_is_compared_as_the_ad_has_it() -> None:
    odd = Waiting("g", 1, Reason.QUOTA, 'waiting: "é" costs 5 $ and 100 %', "Zürich")
    [change] = due(demand(Said()), odd)
    assert due(demand(change.now), odd) == []
    assert change.now.text == "waiting: %22%C3%A9%22 costs 5 %24 and 100 %25"


SAIDS = st.builds(
    Said,
    st.sampled_from(["", *Reason]),
    st.sampled_from(["", "waiting: a", "waiting: 1 of 2", "waiting: 3 of 4", "é $"]).map(escaped),
    st.sampled_from(["", "A", "B"]),
)
PLANS = st.lists(
    st.tuples(st.sampled_from(Reason), st.sampled_from(["waiting: a", "waiting: 5 of 6", "é $"]), st.integers(1, 4)),
    max_size=4,
)


@given(st.lists(SAIDS, max_size=8), PLANS)
def test_edits_make_of_the_ads_what_the_plan_says_and_then_nothing_is_left_to_do(
    present: list[Said], planned: list[tuple[Reason, str, int]]
) -> None:
    seen = demand(*present)
    reasons = [Waiting("g", count, code, text, "A") for code, text, count in planned]
    ads = {(1, proc): one._asdict() for proc, one in enumerate(present)}
    names = {Job.REASON: "code", Job.REASON_TEXT: "text", Job.REASON_SITE: "site"}
    made = edits(changes(seen, reasons, {}, NOW, escaped))
    for edit in made:
        for job in edit.jobs:
            assert ads[job][names[Job(edit.attribute)]] != (edit.text or "")
            ads[job][names[Job(edit.attribute)]] = edit.text or ""
    told = [(code, escaped(text)) for code, text, count in planned for _ in range(count)]
    after = [Said(**ad) for ad in ads.values()]
    assert [(one.code, one.text) for one in after[: len(told)]] == told[: len(after)]
    # Jobs for which the plan has no reason keep what they have.
    assert after[len(told) :] == present[len(told) :]
    assert changes(demand(*after), reasons, {}, NOW, escaped) == []
    assert max(Counter((edit.attribute, edit.text) for edit in made).values(), default=0) <= 1


@given(st.lists(SAIDS, min_size=1, max_size=8), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_plan_that_wavers_edits_no_job_more_often_than_the_pause(
    present: list[Said], waited: float, silent: float
) -> None:
    seen = demand(*present, since=NOW - waited)
    found = changes(seen, [replace(waiting(COMING), count=len(present))], {"g": NOW - silent}, NOW, escaped)
    if silent < 5:
        assert not any(change.again for change in found)
    assert {change.job for change in found if not change.again} == {
        member.job for member in seen.members["g"] if not member.said.code
    }
