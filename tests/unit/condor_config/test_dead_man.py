"""When a worker ends itself, as a table; tests/pool has it end for real."""

from __future__ import annotations

import jwt
import pytest

from condor_config.dead_man import CLOCK_SETTLES, Limits, Seen, limits, verdict

HOUR = 3600.0
BOOT = 1_800_000_000.0
"""Epoch seconds at which the worker of these tests began, at 1000 s of its own clock."""
BEGAN = 1000.0
LIMITS = Limits(idle=600, silence=300, lifetime=2 * HOUR, ends_at=BOOT + HOUR)


@pytest.mark.parametrize(
    ("after", "busy", "heard", "why"),
    [
        (0, 0, 0, None),
        (299, 299, 0, None),
        (301, 301, 0, "has not answered for 301 s"),
        (599, 0, 599, None),
        (601, 0, 600, "no job for 601 s"),
        (601, 300, 600, None),
        (HOUR - 1, HOUR - 2, HOUR - 2, None),
        (HOUR + 1, HOUR, HOUR, "life of its token"),
    ],
)
def test_a_worker_ends_that_nobody_would_miss(after: float, busy: float, heard: float, why: str | None) -> None:
    said = verdict(LIMITS, Seen(BEGAN, BEGAN + busy, BEGAN + heard), BEGAN + after, BOOT + after)
    assert (said is None) == (why is None)
    assert why is None or why in str(said)


def test_a_clock_that_is_wrong_after_the_boot_ends_nothing_and_one_that_stays_behind_does_not_keep_it() -> None:
    seen = Seen(BEGAN, BEGAN + 3 * HOUR, BEGAN + 3 * HOUR)
    assert verdict(LIMITS, seen, BEGAN + CLOCK_SETTLES - 1, BOOT + 24 * HOUR) is None
    assert verdict(LIMITS, seen, BEGAN + CLOCK_SETTLES + 1, BOOT + 24 * HOUR) is not None
    assert verdict(LIMITS, seen, BEGAN + 2 * HOUR, BOOT - 24 * HOUR) is not None


def test_a_worker_that_is_kept_ready_waits_for_jobs_as_long_as_the_pool_answers() -> None:
    kept = LIMITS._replace(idle=None)
    assert verdict(kept, Seen(BEGAN, BEGAN, BEGAN + 3000), BEGAN + 3000, BOOT + 3000) is None


def test_the_life_of_the_token_is_read_off_it() -> None:
    token = jwt.encode({"iat": 1000, "exp": 1500}, "k" * 32)
    found = limits({"idle": None, "silence": 9}, token + "\n")
    assert found == Limits(None, 9, 500, 1500)
