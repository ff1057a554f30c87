import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from worker.errors import RuntimeUnavailableError
from worker.processes import Evicted, Eviction, descendants, end_tree, run

ENV = {"PATH": os.defpath}


def gone(pid: int) -> bool:
    """Whether a process has ended, if need be within 5 seconds; one that nobody waited for yet counts as ended."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        threading.Event().wait(0.01)
    return False


def test_an_exit_code_is_passed_on() -> None:
    assert run(["sh", "-c", "exit 3"], ENV, Eviction()).exit_code == 3


def test_a_signal_gives_128_and_its_number() -> None:
    assert run(["sh", "-c", "kill -9 $$"], ENV, Eviction()).exit_code == 137


def test_processor_time_and_memory_of_children_are_counted() -> None:
    ended = run(["sh", "-c", "(i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done); true"], ENV, Eviction())
    assert ended.cpu_seconds > 0.01
    assert ended.max_rss_kb > 100


def test_only_the_given_environment_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEAK", "leaked")
    with (tmp_path / "out").open("wb") as out:
        run(["env"], {**ENV, "A": "1"}, Eviction(), stdout=out.fileno())
    seen = (tmp_path / "out").read_text()
    assert "A=1" in seen
    assert "leaked" not in seen


def test_a_program_that_is_not_there_says_that_the_runtime_is_unavailable() -> None:
    with pytest.raises(RuntimeUnavailableError, match="no-such-program"):
        run(["no-such-program"], ENV, Eviction())


def test_an_order_to_stop_ends_the_whole_tree_also_what_left_its_session(tmp_path: Path) -> None:
    eviction = Eviction()
    before = signal.getsignal(signal.SIGTERM)
    eviction.install()
    ready = tmp_path / "ready"
    os.mkfifo(ready)

    def order() -> None:
        ready.read_text()
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=order)
    thread.start()
    script = f"setsid sleep 300 & echo $! > {tmp_path}/far; sleep 300 & echo $! > {tmp_path}/near; echo > {ready}; wait"
    try:
        with pytest.raises(Evicted):
            run(["sh", "-c", script], ENV, eviction)
    finally:
        thread.join(10)
        signal.signal(signal.SIGTERM, before)
    assert gone(int((tmp_path / "far").read_text()))
    assert gone(int((tmp_path / "near").read_text()))


def test_a_tree_that_ignores_the_request_is_ended_after_the_grace() -> None:
    child = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; echo ready; sleep 300"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    below = descendants(child.pid)
    end_tree(child, grace=0.05)
    child.stdout.close()
    assert child.returncode == -signal.SIGKILL
    assert all(gone(pid) for pid in below)


def test_an_order_within_hold_waits_for_its_end() -> None:
    eviction = Eviction()
    steps = []

    def start_something() -> None:
        with eviction.hold():
            eviction.request()
            steps.append("finished")

    with pytest.raises(Evicted):
        start_something()
    assert steps == ["finished"]


def test_a_second_order_does_not_disturb_the_cleaning_up_after_the_first() -> None:
    eviction = Eviction()
    with pytest.raises(Evicted):
        eviction.request()
    eviction.request()
    with pytest.raises(Evicted):
        eviction.check()


def test_after_the_end_an_order_has_no_effect() -> None:
    eviction = Eviction()
    eviction.settle()
    eviction.request()
    assert eviction.requested


def test_what_is_ended_is_warned_before_and_ended_also_where_the_warning_fails(tmp_path: Path) -> None:
    eviction = Eviction()
    warned: list[int] = []

    def warn(child: subprocess.Popen[bytes]) -> None:
        assert child.poll() is None
        warned.append(child.pid)
        raise ConnectionError("nobody heard it")

    def started(_pid: int) -> None:
        eviction.request()

    with pytest.raises(ConnectionError):
        run(["sleep", "600"], ENV, eviction, started=started, warn=warn)
    assert eviction.requested
    assert eviction.when > 0
    assert gone(warned[0])


def test_a_program_that_ends_by_itself_is_not_warned() -> None:
    assert run(["true"], ENV, Eviction(), warn=lambda _child: pytest.fail("it was warned")).exit_code == 0
