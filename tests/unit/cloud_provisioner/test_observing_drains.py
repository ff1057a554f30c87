"""Commands that drain workers, beside a caller who never waits."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from cloud_provisioner.observing.drains import Drains


def script(folder: Path, text: str) -> list[str]:
    file = folder / "drain.sh"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return [str(file)]


def finished(drains: Drains) -> None:
    deadline = time.monotonic() + 20
    while drains.busy:
        drains.tend()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    file = tmp_path / "calls"
    file.touch()
    return file


def test_each_worker_is_drained_gracefully_by_its_name(tmp_path: Path, calls: Path) -> None:
    drains = Drains(script(tmp_path, f'echo "$1 $4" >>{calls}'), most=2)
    drains.ask(f"slot1@w{number}" for number in range(5))
    finished(drains)
    assert sorted(calls.read_text().splitlines()) == [f"-graceful slot1@w{number}" for number in range(5)]


def test_a_worker_that_is_being_asked_is_not_asked_twice(tmp_path: Path, calls: Path) -> None:
    gate = tmp_path / "gate"
    drains = Drains(script(tmp_path, f"echo x >>{calls}; while [ ! -e {gate} ]; do sleep 0.02; done"))
    drains.ask(["w"])
    drains.ask(["w"])
    gate.touch()
    finished(drains)
    assert calls.read_text() == "x\n"


def test_asking_never_waits_and_what_takes_too_long_is_ended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    drains = Drains(script(tmp_path, "exec sleep 600"), patience=0.2)
    began = time.monotonic()
    drains.ask(["w"])
    assert time.monotonic() - began < 5
    finished(drains)
    assert "w could not be drained (-9)" in caplog.text


def test_a_refusal_is_told_and_one_that_drains_already_is_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    drains = Drains(
        script(
            tmp_path,
            '[ "$4" = w1 ] && echo "error code 10001: Draining already in progress." >&2 || echo no such worker >&2; exit 1',
        )
    )
    drains.ask(["w1", "w2"])
    finished(drains)
    assert "w2 could not be drained (1): no such worker" in caplog.text
    assert "w1" not in caplog.text


@pytest.mark.parametrize("name", ["-all", "", "a b", "a;b", "$(x)", "w\n"])
def test_a_name_that_is_none_is_never_part_of_a_command(
    name: str, tmp_path: Path, calls: Path, caplog: pytest.LogCaptureFixture
) -> None:
    drains = Drains(script(tmp_path, f"echo called >>{calls}"))
    drains.ask([name])
    finished(drains)
    assert calls.read_text() == ""
    assert "cannot be drained" in caplog.text


def test_a_command_that_is_not_there_is_told_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    drains = Drains(["/nonexistent/condor_drain"])
    drains.ask(["w"])
    assert not drains.busy
    assert "/nonexistent/condor_drain cannot be run" in caplog.text


def test_closing_ends_what_runs(tmp_path: Path) -> None:
    drains = Drains(script(tmp_path, "exec sleep 600"))
    drains.ask(["w1", "w2"])
    drains.close()
    assert not drains.busy
