"""Following output: nothing twice, nothing lost, over restarts, replaced files and lost connections."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from api.jobs import sending
from api.jobs.follow import CHUNK, End, Event, Following, Limits, Nothing, Restart, Stream, Text
from api.jobs.watch import JobWatch
from pool.errors import PoolUnavailable

pytestmark = pytest.mark.timeout(60)


class Job:
    """A job whose folder changes by one step at each pause of the reader."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: list[Callable[[], object]] = []
        self.now = 0.0
        self.gone = False
        self.status: int | None = 2
        self.limits = Limits()

    def write(self, text: bytes, name: str = "stdout") -> None:
        with (self.path / name).open("ab") as file:
            file.write(text)

    def run(self, name: str) -> None:
        """The executor of a run begins: the streams become empty, then the run has its name."""
        (self.path / "stdout").write_bytes(b"")
        (self.path / "run.partial").write_text(name)
        (self.path / "run.partial").replace(self.path / "run")

    def end(self) -> None:
        self.status = None

    def wait(self, seconds: float) -> None:
        assert 0 < seconds <= 1
        self.now += seconds
        if self.steps:
            self.steps.pop(0)()

    def clock(self) -> float:
        return self.now

    def events(self, offset: int = 0, run: str | None = None, active: bool = True) -> tuple[Stream, list[Event]]:
        watch = JobWatch(self.statuses, interval=0, clock=self.clock)
        stream = Stream(self.path, "stdout", offset, run)
        watch.add(7)
        following = Following(watch, self.limits, self.wait, self.clock)
        return stream, list(following.events(7, stream, active, lambda: self.gone))

    def statuses(self, numbers: Sequence[int]) -> dict[int, int]:
        return {} if self.status is None else dict.fromkeys(numbers, self.status)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def text(events: Iterable[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Text))


def kinds(events: Iterable[Event]) -> list[type]:
    return [type(event) for event in events if not isinstance(event, Nothing)]


def test_what_is_there_then_what_is_added_then_the_end(job: Job) -> None:
    job.run("a")
    job.write(b"one\n")
    job.steps = [lambda: job.write(b"two\n"), lambda: job.write(b"three\n"), job.end]
    _, events = job.events()
    assert text(events) == b"one\ntwo\nthree\n"
    assert events[-1] == End(True, 14)


def test_following_begins_before_the_job_does(job: Job) -> None:
    job.status = 1
    job.steps = [lambda: None, lambda: job.run("a"), lambda: job.write(b"one"), job.end]
    _, events = job.events()
    assert kinds(events) == [Text, End]


def test_following_after_the_end_gives_all_of_it_at_once(job: Job) -> None:
    job.write(b"x" * (3 * CHUNK + 5))
    _, events = job.events(offset=5, active=False)
    assert [len(event.data) for event in events if isinstance(event, Text)] == [CHUNK, CHUNK, CHUNK]
    assert events[-1] == End(True, 3 * CHUNK + 5)


def test_a_job_without_output_just_ends(job: Job) -> None:
    _, events = job.events(active=False)
    assert events == [End(True, 0)]


def test_the_whole_file_put_over_the_copy_gives_nothing_twice_and_loses_no_tail(job: Job) -> None:
    job.run("a")
    job.write(b"one\ntwo\n")

    def transfer_begins() -> None:
        (job.path / "stdout").write_bytes(b"one")  # emptied, and part of it is there again

    def transfer_ends() -> None:
        (job.path / "new").write_bytes(b"one\ntwo\nthree\n")
        (job.path / "new").replace(job.path / "stdout")
        job.end()

    job.steps = [transfer_begins, lambda: None, transfer_ends]
    _, events = job.events()
    assert text(events) == b"one\ntwo\nthree\n"
    assert kinds(events) == [Text, Text, End]


def test_a_copy_made_anew_by_the_same_run_gives_nothing_twice(job: Job) -> None:
    job.run("a")
    job.write(b"one\ntwo\n")
    job.steps = [
        lambda: job.run("a"),
        lambda: job.write(b"one\n"),
        lambda: job.write(b"two\nthree\n"),
        job.end,
    ]
    _, events = job.events()
    assert text(events) == b"one\ntwo\nthree\n"


def test_a_restart_is_said_and_the_output_begins_anew(job: Job) -> None:
    job.run("a")
    job.write(b"one\ntwo\n")
    job.steps = [lambda: job.run("b"), lambda: job.write(b"uno\n"), job.end]
    _, events = job.events()
    assert kinds(events) == [Text, Restart, Text, End]
    assert text(events) == b"one\ntwo\nuno\n"


def test_a_restart_whose_output_is_longer_already_is_not_taken_for_more_of_the_old(job: Job) -> None:
    job.run("a")
    job.write(b"one\n")

    def restarted() -> None:
        job.run("b")
        job.write(b"uno\ndos\ntres\n")

    job.steps = [restarted, job.end]
    _, events = job.events()
    assert kinds(events) == [Text, Restart, Text, End]
    assert text(events) == b"one\nuno\ndos\ntres\n"


def test_an_offset_of_an_earlier_run_begins_anew_and_one_of_this_run_goes_on(job: Job) -> None:
    job.run("b")
    job.write(b"uno\ndos\n")
    _, events = job.events(offset=4, run="a", active=False)
    assert kinds(events) == [Restart, Text, End]
    assert text(events) == b"uno\ndos\n"
    _, events = job.events(offset=4, run="b", active=False)
    assert text(events) == b"dos\n"


def test_following_ends_with_its_time_and_says_where(job: Job) -> None:
    job.run("a")
    job.write(b"one\n")
    job.limits = Limits(longest=5)
    _, events = job.events()
    assert events[-1] == End(False, 4)
    assert 5 < job.now < 8
    assert sending.plain(events) is not None
    assert b"offset=4" in b"".join(sending.plain(events))


def test_following_ends_when_the_reader_has_gone(job: Job) -> None:
    job.run("a")

    def leave() -> None:
        job.gone = True

    job.steps = [lambda: None, leave]
    _, events = job.events()
    assert kinds(events) == []
    assert job.now < 2


def test_a_link_to_another_file_is_not_read(job: Job, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "stdout").symlink_to(tmp_path / "secret")
    _, events = job.events(active=False)
    assert text(events) == b""


def sse(job: Job, stream: Stream, events: Iterable[Event]) -> list[str]:
    sent = b"".join(sending.server_sent(events, stream, lambda: "completed", job.clock)).decode()
    return [block for block in sent.split("\n\n") if block and not block.startswith(":")]


def test_server_sent_events_carry_text_places_and_the_end(job: Job) -> None:
    job.run("a" * 32)
    job.write("ä\r\nb".encode())
    stream, events = job.events(active=False)
    blocks = sse(job, stream, events)
    assert blocks == [f'id: 5-{"a" * 32}\ndata: "\\u00e4\\r\\nb"', 'event: end\ndata: {"status": "completed"}']
    assert sending.position(blocks[0].splitlines()[0].removeprefix("id: ")) == (5, "a" * 32)


def test_characters_are_sent_whole_with_the_place_behind_them(job: Job) -> None:
    stream = Stream(job.path, "stdout", 0)
    whole = "x€y𝄞".encode()
    events: list[Event] = [Text(whole[:3], 3), Text(whole[3:6], 6), Text(whole[6:], len(whole)), End(True, len(whole))]
    blocks = sse(job, stream, events)
    assert [json.loads(block.partition("data: ")[2]) for block in blocks[:-1]] == ["x", "€y", "𝄞"]
    assert [block.splitlines()[0] for block in blocks[:-1]] == ["id: 1", "id: 5", "id: 9"]


def test_bytes_that_are_no_text_arrive_as_they_are(job: Job) -> None:
    stream = Stream(job.path, "stdout", 0)
    blocks = sse(job, stream, [Text(b"\xff\xfe\x00x", 4), Text(b"\xe2", 5), End(True, 5)])
    kinds = [block.splitlines()[1] for block in blocks[:-1]]
    assert kinds == ["event: bytes", "event: bytes"]
    assert b"".join(base64.b64decode(json.loads(block.partition("data: ")[2])) for block in blocks[:-1]) == (
        b"\xff\xfe\x00x\xe2"
    )


def test_silence_is_broken_by_comments_and_a_restart_is_an_event(job: Job) -> None:
    job.run("a")
    job.write(b"one")
    stream = Stream(job.path, "stdout", 0)
    watch = JobWatch(job.statuses, interval=0, clock=job.clock)
    watch.add(7)
    job.steps = [*[lambda: None] * 40, lambda: job.run("b"), job.end]
    events = Following(watch, job.limits, job.wait, job.clock).events(7, stream, True, lambda: False)
    sent = b"".join(sending.server_sent(events, stream, lambda: "failed", job.clock)).decode()
    assert sent.count(": waiting\n\n") == 2
    assert "id: 0-b\nevent: restart\ndata: {}\n\n" in sent
    assert sent.endswith('event: end\ndata: {"status": "failed"}\n\n')


@pytest.mark.parametrize("text", ["", "x", "-1", "1-", "1-x y", "1" * 16, "5-a\n"])
def test_what_is_no_place_of_ours_is_not_used(text: str) -> None:
    assert sending.position(text) is None


def test_however_many_watch_the_queue_is_asked_once_in_an_interval() -> None:
    asked: list[Sequence[int]] = []
    now = [0.0]

    def statuses(numbers: Sequence[int]) -> dict[int, int]:
        asked.append(numbers)
        return {1: 2, 2: 4}

    watch = JobWatch(statuses, interval=3, clock=lambda: now[0])
    for number in (1, 2, 3, 1):
        watch.add(number)
    for _ in range(100):
        assert watch.seen(1).running
        assert not watch.seen(2).active
        assert not watch.seen(3).active
    assert asked == [[1, 2, 3]]
    watch.remove(1)
    watch.remove(2)
    now[0] = 4
    assert watch.seen(1).running
    assert asked[1] == [1, 3]


def test_a_slow_queue_holds_nobody_up_who_has_an_answer() -> None:
    entered, go_on = threading.Event(), threading.Event()
    now = [0.0]

    def statuses(numbers: Sequence[int]) -> dict[int, int]:
        if now[0] > 0:
            entered.set()
            assert go_on.wait(20)
        return dict.fromkeys(numbers, 2)

    watch = JobWatch(statuses, interval=3, clock=lambda: now[0])
    watch.add(1)
    assert watch.seen(1).running
    now[0] = 4
    slow = threading.Thread(target=watch.seen, args=(1,))
    slow.start()
    assert entered.wait(10)
    assert watch.seen(1).running
    go_on.set()
    slow.join(10)


def test_while_the_queue_is_away_jobs_are_as_they_were_and_it_is_asked_no_more_often() -> None:
    asked = [0]
    now = [0.0]

    def statuses(numbers: Sequence[int]) -> dict[int, int]:
        asked[0] += 1
        if now[0] > 0:
            raise PoolUnavailable("down")
        return {}

    watch = JobWatch(statuses, interval=3, clock=lambda: now[0])
    watch.add(1)
    assert not watch.seen(1).active
    now[0] = 4
    assert not any(watch.seen(1).active for _ in range(10))
    assert asked == [2]
    watch.add(2)
    assert watch.seen(2).active
