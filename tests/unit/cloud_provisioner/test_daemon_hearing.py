"""Since when the pool is up and heard, whatever is done to the clock."""

from __future__ import annotations

from cloud_provisioner.daemon.hearing import Hearing
from cloud_provisioner.servers.views import PoolView

NOW = 100_000.0
DAY = 86_400.0


def times(hearing: Hearing, up_since: float, now: float, steady: float) -> tuple[float, float]:
    """For how long the pool is up and is heard, seconds."""
    pool = hearing.heard(PoolView({}, up_since), now, steady)
    assert pool is not None
    return now - pool.up_since, now - pool.heard_since


def test_the_pool_is_heard_since_the_first_answer() -> None:
    hearing = Hearing(60)
    assert times(hearing, NOW - 500, NOW, 7) == (500, 0)
    assert hearing.heard(None, NOW + 1, 8) is None
    assert times(hearing, NOW - 500, NOW + 50, 57) == (550, 50)


def test_after_a_long_silence_it_is_heard_anew() -> None:
    hearing = Hearing(60)
    times(hearing, NOW - 500, NOW, 7)
    assert times(hearing, NOW - 500, NOW + 61, 68) == (561, 0)


def test_a_clock_that_was_set_lets_it_be_heard_anew_and_makes_no_start_lie_in_the_future() -> None:
    for step in (-DAY, DAY):
        hearing = Hearing(60)
        times(hearing, NOW, NOW + 100, 0)
        up, heard = times(hearing, NOW, NOW + 101 + step, 1)
        assert (up, heard) == (max(1, 101 + step), 0)
        up, heard = times(hearing, NOW, NOW + 160 + step, 60)
        assert (up, heard) == (max(60, 160 + step), 59)


def test_a_collector_that_has_just_started_is_young() -> None:
    hearing = Hearing(60)
    times(hearing, NOW - 500, NOW, 0)
    assert times(hearing, NOW + 10, NOW + 12, 12) == (2, 12)
