"""What the job does at the moment, and how it comes to the access point: rarely, small, and never twice the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.unit.worker.commands_support import ProxyServer, proxy
from worker.live import PROGRESS_INTERVAL, Copies
from worker.progress import PULLING_IMAGE, RUNNING_TASK, STAGING_IN, Progress


class Told:
    """A job with a proxy to its folder at the access point, and a clock that is set by hand."""

    def __init__(self, root: Path, server: ProxyServer) -> None:
        scratch = root / "scratch"
        scratch.mkdir()
        (scratch / ".chirp.config").write_text(server.config)
        for stream in ("_condor_stdout", "_condor_stderr"):
            (scratch / stream).touch()
        self.file = root / "sandbox" / "progress.json"
        self.server = server
        self.clock = 0.0
        self.progress = Progress(lambda: 1000.0)
        self.copies = Copies(scratch, "b" * 32, self.progress.document, clock=lambda: self.clock)

    def after(self, seconds: float) -> dict[str, Any] | None:
        """What stands at the access point when so many seconds have gone by."""
        self.clock += seconds
        self.copies.advance()
        return json.loads(self.file.read_text()) if self.file.exists() else None

    def sent(self) -> int:
        return sum(line.startswith("rename progress.json") for line in self.server.asked)


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    (tmp_path / "sandbox").mkdir()
    with proxy(tmp_path / "sandbox") as server:
        yield Told(tmp_path, server)


def test_a_moment_says_what_is_known_and_nothing_else() -> None:
    ticks = count(100)
    progress = Progress(lambda: float(next(ticks)))
    assert progress.document() is None
    progress.enter(STAGING_IN)
    assert progress.document() == {"phase": "stagingIn", "since": 100.0}
    progress.turn_to("input.tgz")
    progress.moved(10, 40)
    assert progress.document() == {"phase": "stagingIn", "since": 101.0, "item": "input.tgz", "percent": 25}
    progress.enter(PULLING_IMAGE, "x" * 600, 0)
    assert progress.document() == {"phase": "pullingImage", "since": 102.0, "item": "x" * 512, "task": 0}


@pytest.mark.parametrize(
    ("done", "total", "percent"),
    [(0, 10, 0), (1, 3, 33), (10, 10, 100), (30, 10, 100), (-1, 10, 0), (5, None, None), (0, 0, None)],
)
def test_a_percent_is_from_0_to_100_or_not_known(done: int, total: int | None, percent: int | None) -> None:
    progress = Progress(lambda: 0.0)
    progress.enter(STAGING_IN)
    progress.moved(done, total)
    assert (progress.document() or {}).get("percent") == percent


def test_progress_is_told_when_it_changed_and_not_more_often_than_every_two_seconds(told: Told) -> None:
    told.progress.enter(PULLING_IMAGE, "busybox", 0)
    assert told.after(1) is None
    assert (told.after(1) or {}).get("phase") == "pullingImage"
    for percent in range(100):
        told.progress.moved(percent, 100)
        told.after(0.01)
    assert told.sent() == 1
    assert (told.after(PROGRESS_INTERVAL) or {}).get("percent") == 99
    told.progress.enter(RUNNING_TASK, task=0)
    assert told.after(PROGRESS_INTERVAL) == {"phase": "runningTask", "since": 1000.0, "task": 0}
    asked = len(told.server.asked)
    for _ in range(10):
        told.after(PROGRESS_INTERVAL)
    assert len(told.server.asked) == asked
    assert told.sent() == 3


def test_progress_is_told_again_after_a_lost_connection(told: Told) -> None:
    told.progress.enter(RUNNING_TASK, task=0)
    told.after(PROGRESS_INTERVAL)
    told.file.unlink()
    (told.copies._scratch / "_condor_stdout").write_text("x")
    told.server.broken = True
    with pytest.raises(OSError, match="proxy"):
        told.after(PROGRESS_INTERVAL)
    told.server.broken = False
    assert (told.after(PROGRESS_INTERVAL) or {}).get("phase") == "runningTask"
