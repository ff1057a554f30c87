"""Series: what a job writes comes back in lines, bounded, and again as means."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from api.records.errors import LimitReached
from api.records.series import Line, Point, SeriesLimits, SeriesStore
from database.transactions import Database


@pytest.fixture
def store(database: Database) -> SeriesStore:
    return SeriesStore(database)


def test_points_come_back_by_field_and_tags_in_the_order_of_time(store: SeriesStore) -> None:
    for at in (30.5, 10.0, 20.0):
        store.write("job", Point("m", {"x": at, "y": -at}, {"t": "ü", "a": "1"}, at))
    store.write("job", Point("m", {"x": 7}, {}, 15.0))
    store.write("other", Point("m", {"x": 8}, {}, 15.0))
    assert store.read("job", 0, math.inf) == [
        Line("m", "x", {"a": "1", "t": "ü"}, (10, 20, 30.5), (10, 20, 30.5)),
        Line("m", "x", {}, (15,), (7,)),
        Line("m", "y", {"a": "1", "t": "ü"}, (10, 20, 30.5), (-10, -20, -30.5)),
    ]
    assert [line.times for line in store.read("job", 15, 20)] == [(20,), (15,), (20,)]
    assert store.read("nobody", 0, math.inf) == []


def test_means_are_of_windows(store: SeriesStore) -> None:
    for at, value in ((600, 1), (659, 3), (660, 10), (899, 20), (900, 5)):
        store.write("job", Point("m", {"x": value}, {}, at))
    (line,) = store.read("job", 0, math.inf, mean=60)
    assert line.times == (600, 660, 840, 900)
    assert line.values == (2, 10, 20, 5)
    (line,) = store.read("job", 0, math.inf, mean=300)
    assert (line.times, line.values) == ((600, 900), (8.5, 5))


def test_a_point_that_is_written_again_replaces_the_first(store: SeriesStore) -> None:
    store.write("job", Point("m", {"x": 1}, {}, 5))
    store.write("job", Point("m", {"x": 2}, {}, 5))
    assert store.read("job", 0, 9) == [Line("m", "x", {}, (5,), (2,))]


def test_a_job_writes_no_more_than_it_may_and_all_of_a_point_or_none(store: SeriesStore) -> None:
    small = replace(store, limits=SeriesLimits(points=5, read=3))
    small.write("job", Point("m", {"x": 1, "y": 1}, {}, 1))
    small.write("job", Point("m", {"x": 1, "y": 1}, {}, 2))
    with pytest.raises(LimitReached, match="written 5 values"):
        small.write("job", Point("m", {"x": 1, "y": 1}, {}, 3))
    small.write("other", Point("m", {"x": 1, "y": 1}, {}, 3))
    with pytest.raises(LimitReached, match="shorter time"):
        small.read("job", 0, 9)
    assert len(small.read("job", 0, 1)) == 2
    assert [line.times for line in store.read("job", 0, 9)] == [(1, 2), (1, 2)]


def test_many_may_write_the_same_series_at_once(store: SeriesStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda at: store.write("job", Point("m", {"x": at}, {}, at)), range(1, 33)))
    (line,) = store.read("job", 0, 99)
    assert line.times == tuple(range(1, 33))
