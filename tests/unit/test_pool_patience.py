"""Who waits for a silent schedd, as a table: what happened when, and what is allowed then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pool.patience import FRESH, PAUSE, SLOW, Patience

Event = tuple[float, Callable[[Patience], object]]


def answer(patience: Patience) -> None:
    patience.answered()


def failure_after(seconds: float) -> Callable[[Patience], object]:
    return lambda patience: patience.failed(patience.now() - seconds)


@pytest.mark.parametrize(
    ("events", "now", "is_fresh", "is_exhausted"),
    [
        ([], 0.0, False, False),
        ([(10, answer)], 10, True, False),
        ([(10, answer)], 10 + FRESH, False, False),
        ([(10, answer), (10.5, failure_after(0.01))], 10.5, True, False),  # a stale session
        ([(10, answer), (10.5, failure_after(SLOW))], 10.5, False, True),
        ([(10, failure_after(SLOW))], 10 + PAUSE - 0.1, False, True),
        ([(10, failure_after(SLOW))], 10 + PAUSE, False, False),
        ([(10, failure_after(20)), (10 + PAUSE, answer)], 10 + PAUSE, True, False),
    ],
)
def test_calls_without_a_time_out_follow_an_answer_and_nobody_follows_a_time_out(
    events: list[Event], now: float, is_fresh: bool, is_exhausted: bool
) -> None:
    clock = [0.0]
    patience = Patience(lambda: clock[0])
    for moment, happens in events:
        clock[0] = moment
        happens(patience)
    clock[0] = now
    assert (patience.is_fresh, patience.is_exhausted) == (is_fresh, is_exhausted)


@pytest.mark.parametrize(("took", "again"), [(0.0, True), (SLOW - 0.1, True), (SLOW, False), (20.0, False)])
def test_only_a_call_that_failed_at_once_is_worth_repeating(took: float, again: bool) -> None:
    patience = Patience(lambda: 100.0)
    assert patience.failed(100.0 - took) is again
