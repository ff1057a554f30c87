"""The limit on requests: on average, at once, for each user, over all processes of a host."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from api.rate_limit import RateLimit


class Clock:
    """A clock that is set."""

    def __init__(self, now: float = 1e9) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(tmp_path: Path, clock: Clock) -> RateLimit:
    return RateLimit(tmp_path / "requests", per_minute=60, burst=5, clock=clock)


def test_a_burst_passes_and_the_next_waits_its_turn(limit: RateLimit, clock: Clock) -> None:
    assert [limit.wait("alice") for _ in range(5)] == [0.0] * 5
    assert limit.wait("alice") == pytest.approx(1.0)
    clock.now += 0.5
    assert limit.wait("alice") == pytest.approx(0.5)
    clock.now += 0.5
    assert limit.wait("alice") == 0.0
    assert limit.wait("alice") == pytest.approx(1.0)


def test_a_refused_request_costs_nothing(limit: RateLimit, clock: Clock) -> None:
    for _ in range(100):
        limit.wait("alice")
    clock.now += 1.0
    assert limit.wait("alice") == 0.0


def test_users_do_not_share(limit: RateLimit) -> None:
    while limit.wait("alice") == 0.0:
        pass
    assert limit.wait("bob") == 0.0


def test_a_users_place_is_free_again_and_the_table_never_fills(limit: RateLimit, clock: Clock, tmp_path: Path) -> None:
    size = (tmp_path / "requests").stat().st_size
    for number in range(20_000):
        assert limit.wait(f"user{number}") == 0.0
        clock.now += 0.01
    assert (tmp_path / "requests").stat().st_size == size
    while limit.wait("alice") == 0.0:
        pass


def test_a_clock_set_back_locks_nobody_out(limit: RateLimit, clock: Clock) -> None:
    limit.wait("alice")
    clock.now -= 24 * 3600
    assert limit.wait("alice") == 0.0


@pytest.mark.parametrize("garbage", [b"", b"\xff" * 4096 * 16, b"\x7f" * 100], ids=["empty", "not-numbers", "short"])
def test_a_torn_file_is_taken_as_empty(tmp_path: Path, clock: Clock, garbage: bytes) -> None:
    (tmp_path / "requests").write_bytes(garbage)
    limit = RateLimit(tmp_path / "requests", per_minute=60, burst=2, clock=clock)
    assert [limit.wait("alice") == 0.0 for _ in range(3)] == [True, True, False]


def _passed(file: Path) -> int:
    limit = RateLimit(file, per_minute=1, burst=100, clock=Clock())
    with ThreadPoolExecutor(4) as threads:
        return sum(wait == 0.0 for wait in threads.map(lambda _: limit.wait("alice"), range(100)))


def test_processes_and_threads_count_together(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as processes:
        passed = list(processes.map(_passed, [tmp_path / "requests"] * 4))
    assert sum(passed) == 100
