"""The limit on a user's jobs in the queue."""

from __future__ import annotations

import pytest

from api.errors import TooManyJobs
from api.jobs.queue_limit import QueueLimit


class Queue:
    """A queue that counts, and notes how often it was asked."""

    def __init__(self) -> None:
        self.jobs: dict[str, int] = {}
        self.asked = 0
        self.now = 0.0

    def count(self, owner: str) -> int:
        self.asked += 1
        return self.jobs.get(owner, 0)

    def fill(self, limit: QueueLimit, owner: str) -> None:
        while True:
            limit.check(owner)
            self.jobs[owner] = self.jobs.get(owner, 0) + 1


@pytest.mark.parametrize("most", [1, 2, 15, 16, 17, 1000])
def test_one_process_never_goes_over(most: int) -> None:
    queue = Queue()
    limit = QueueLimit(most, queue.count, lambda: queue.now)
    with pytest.raises(TooManyJobs, match=str(most)):
        queue.fill(limit, "alice")
    assert queue.jobs["alice"] == most
    limit.check("bob")


def test_far_from_the_limit_the_queue_is_hardly_asked() -> None:
    queue = Queue()
    limit = QueueLimit(100_000, queue.count, lambda: queue.now)
    for _ in range(5000):
        limit.check("alice")
    assert queue.asked == 1
    queue.now = 11.0
    limit.check("alice")
    assert queue.asked == 2


def test_what_others_submitted_is_noticed_within_ten_seconds() -> None:
    queue = Queue()
    limit = QueueLimit(1000, queue.count, lambda: queue.now)
    limit.check("alice")
    queue.jobs["alice"] = 1000
    queue.now = 10.0
    with pytest.raises(TooManyJobs):
        limit.check("alice")


def test_four_processes_go_over_by_less_than_was_left() -> None:
    queue = Queue()
    queue.jobs["alice"] = 900
    limits = [QueueLimit(1000, queue.count, lambda: queue.now) for _ in range(4)]
    refused = 0
    while refused < 4:
        refused = 0
        for limit in limits:
            try:
                limit.check("alice")
            except TooManyJobs:
                refused += 1
            else:
                queue.jobs["alice"] += 1
    assert 1000 <= queue.jobs["alice"] < 1010
