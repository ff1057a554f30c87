"""What becomes of a folder: one case a row."""

from __future__ import annotations

import pytest

from api.records.retention import DAY, Ages, Fate, Folder, Recorded, fate, over

NOW = 1_800_000_000.0
AGES = Ages(job_folder_days=30, series_days=90, abandoned_days=1)
FOREVER = Ages(0, 0, 0)
OLD, NEW = NOW - 31 * DAY, NOW - 29 * DAY


def folder(
    written: float = OLD, filled: float | None = OLD - 100, queued: bool = True, in_workflow: bool = False
) -> Folder:
    return Folder("0" * 32, written, filled, queued, in_workflow)


@pytest.mark.parametrize(
    ("seen", "recorded", "ages", "expected"),
    [
        # The database holds the job as finished.
        (folder(), Recorded(1, OLD), AGES, Fate.DELETE),
        (folder(), Recorded(1, NEW), AGES, Fate.KEEP),
        (folder(), Recorded(1, OLD), FOREVER, Fate.KEEP),
        (folder(filled=None), Recorded(1, OLD), AGES, Fate.DELETE),
        (folder(queued=False), Recorded(1, OLD), AGES, Fate.DELETE),
        # The workflow that it belongs to has its folder still.
        (folder(in_workflow=True), Recorded(1, OLD), AGES, Fate.KEEP),
        (folder(queued=False, in_workflow=True), None, AGES, Fate.KEEP),
        # The folder was filled again after the end of the job that is recorded.
        (folder(filled=OLD + 61), Recorded(1, OLD), AGES, Fate.KEEP),
        (folder(filled=OLD + 59), Recorded(1, OLD), AGES, Fate.DELETE),
        (folder(written=NEW, filled=NEW), Recorded(1, OLD), AGES, Fate.KEEP),
        # The database does not hold it: it may be queued, or nobody's.
        (folder(), None, AGES, Fate.KEEP),
        (folder(queued=False), None, AGES, Fate.ASK),
        (folder(written=NOW - 2 * DAY, queued=False), None, AGES, Fate.ASK),
        (folder(written=NOW - 0.9 * DAY, queued=False), None, AGES, Fate.KEEP),
        (folder(filled=None, queued=False), None, AGES, Fate.ASK),
        (folder(queued=False), None, FOREVER, Fate.KEEP),
    ],
)
def test_a_folder_goes_when_its_job_ended_long_ago_and_is_asked_about_when_it_seems_nobodys(
    seen: Folder, recorded: Recorded | None, ages: Ages, expected: Fate
) -> None:
    assert fate(seen, recorded, ages, NOW) is expected


@pytest.mark.parametrize(
    ("age", "days", "expected"),
    [(1.1, 1, True), (0.9, 1, False), (1000, 0, False), (0.1, 0.05, True), (-1, 1, False)],
)
def test_a_time_is_over_after_so_many_days_and_never_after_none(age: float, days: float, expected: bool) -> None:
    assert over(NOW - age * DAY, days, NOW) is expected
