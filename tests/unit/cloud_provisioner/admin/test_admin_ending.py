"""Being told to end is noted, and raised where it can be borne."""

from __future__ import annotations

import os
import signal
import time

import pytest

from cloud_provisioner.admin.checking.report import Report
from cloud_provisioner.admin.ending import Ending, noticed
from cloud_provisioner.admin.pool import asking


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_is_raised_between_calls_and_not_within(number: signal.Signals) -> None:
    with noticed() as ending:
        os.kill(os.getpid(), number)
        assert ending.told
        with pytest.raises(KeyboardInterrupt):
            ending.check()
    assert signal.getsignal(number) is not None


def test_a_second_time_it_ends_at_once() -> None:
    with noticed():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with noticed() as ending:
            os.kill(os.getpid(), signal.SIGHUP)
        assert not ending.told
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_pause_ends_soon() -> None:
    ending = Ending()
    ending.pause(0.01)
    ending.told = True
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ending.pause(60)
    assert time.monotonic() - began < 10


def test_a_call_to_the_pool_is_finished_first() -> None:
    done = []

    def call() -> None:
        with asking():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("the call")

    with pytest.raises(KeyboardInterrupt):
        call()
    assert done == ["the call"]


def test_no_step_is_begun_when_it_is_time_to_end_but_the_last() -> None:
    lines: list[str] = []
    report = Report(lines.append, lambda: 0.0, Ending(True).check)
    with pytest.raises(KeyboardInterrupt), report.step("boot"):
        lines.append("begun")
    with report.step("delete", always=True) as step:
        step.found = "gone"
    assert [line.split()[1] for line in lines] == ["delete"]
